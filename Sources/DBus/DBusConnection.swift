import Glibc
import Synchronization

/// A private connection to a message bus.
///
/// One thread does everything that touches libdbus; every method here may be called from anywhere. When the bus goes,
/// or ``close()`` is called, all calls and streams end with `disconnected`; such a connection stays closed, open
/// another.
public final class DBusConnection: Sendable {
  public enum Bus: Sendable {
    case system
    case session
    /// A D-Bus server address, such as `unix:path=/run/bus`.
    case address(String)

    var address: String? {
      switch self {
      case .system: Bus.environment("DBUS_SYSTEM_BUS_ADDRESS") ?? "unix:path=/var/run/dbus/system_bus_socket"
      case .session:
        Bus.environment("DBUS_SESSION_BUS_ADDRESS")
          ?? Bus.environment("XDG_RUNTIME_DIR").map { "unix:path=\($0)/bus" }
      case .address(let address): address
      }
    }

    private static func environment(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }
    }
  }

  /// The time that D-Bus libraries usually give a call.
  public static let defaultTimeout = Duration.seconds(25)

  /// This connection's own name on the bus, such as `:1.42`.
  public let uniqueName: String
  private let mailbox: Mailbox
  private let limits: ConnectionLimits
  private let lastStream = Atomic<UInt64>(0)

  private init(uniqueName: String, _ mailbox: Mailbox, _ limits: ConnectionLimits) {
    self.uniqueName = uniqueName
    self.mailbox = mailbox
    self.limits = limits
  }

  deinit { close() }

  /// Connects and introduces itself.
  /// - Throws: `cannotConnect`, `timedOut`, `cancelled`, `limitExceeded`.
  public static func open(
    _ bus: Bus, limits: ConnectionLimits = ConnectionLimits(), timeout: Duration = .seconds(10)
  ) async throws(DBusError) -> DBusConnection {
    guard let address = bus.address, !address.utf8.contains(0) else {
      throw DBusError(.cannotConnect, "the address of the bus is not known")
    }
    let mailbox = try Mailbox()
    try BusLoop.start(address, mailbox, limits)
    do throws(DBusError) {
      let reply = try await call(.bus("Hello", []), timeout, mailbox, limits)
      guard let name = reply.first?.asString else {
        throw DBusError(.cannotConnect, "the bus gave us no name")
      }
      return DBusConnection(uniqueName: name, mailbox, limits)
    } catch {
      mailbox.post { loop in loop.close() }
      throw error.code == .disconnected ? DBusError(.cannotConnect, "the bus closed the connection") : error
    }
  }

  /// Ends everything; what was sent is still written, if the bus takes it soon.
  public func close() {
    mailbox.post { loop in loop.close() }
  }

  // MARK: Calls

  /// Calls a method and returns its answer.
  /// - Throws: `errorReply`, `timedOut`, `cancelled`, `disconnected`, `invalidMessage`, `limitExceeded`.
  public func call(
    _ call: MethodCall, timeout: Duration = defaultTimeout
  ) async throws(DBusError) -> [DBusValue] {
    try await Self.call(call, timeout, mailbox, limits)
  }

  private static func call(
    _ call: MethodCall, _ timeout: Duration, _ mailbox: Mailbox, _ limits: ConnectionLimits
  ) async throws(DBusError) -> [DBusValue] {
    guard mailbox.reserveCall(limit: limits.callsInFlight) else {
      throw DBusError(.limitExceeded, "too many calls in flight")
    }
    defer { mailbox.releaseCall() }
    let deadline = ContinuousClock.now + timeout
    let ticket = CallTicket()
    let result: Result<[DBusValue], DBusError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        mailbox.post(orFail: { continuation.resume(returning: .failure($0)) }) { loop in
          loop.call(call, deadline: deadline, ticket: ticket) { continuation.resume(returning: $0) }
        }
      }
    } onCancel: {
      ticket.cancel()
      mailbox.post { loop in loop.dropCancelledCalls() }
    }
    return try result.get()
  }

  // MARK: Signals

  /// A stream of the signals that match any of `rules`; they are set on the bus when this returns.
  /// - Throws: as ``call(_:timeout:)``.
  public func signals(_ rules: [MatchRule], timeout: Duration = defaultTimeout) async throws(DBusError) -> DBusSignals {
    guard !rules.isEmpty else { throw DBusError(.invalidMessage, "a stream of signals without a rule") }
    let id = lastStream.add(1, ordering: .relaxed).newValue
    let (stream, continuation) = AsyncThrowingStream.makeStream(
      of: DBusSignal.self, throwing: (any Error).self, bufferingPolicy: .bufferingOldest(limits.signalsPerStream))
    continuation.onTermination = { [mailbox] _ in
      mailbox.post { loop in loop.unsubscribe(id) }
    }
    let deadline = ContinuousClock.now + timeout
    let failure: DBusError? = await withCheckedContinuation { waiter in
      mailbox.post(orFail: { waiter.resume(returning: $0) }) { loop in
        let entry = Subscriptions.Entry(rules: rules, continuation: continuation)
        loop.subscribe(id, entry, deadline: deadline) { waiter.resume(returning: $0) }
      }
    }
    if let failure { throw failure }
    return DBusSignals(stream: stream)
  }

  /// Sends a signal to everybody who listens.
  public func emit(_ signal: DBusSignal) async throws(DBusError) {
    try await perform { loop throws(DBusError) in try loop.emit(signal) }
  }

  // MARK: Objects

  /// Offers an object at `path`. The standard interfaces are there by themselves; `isManager` adds `ObjectManager` for
  /// everything below.
  /// - Throws: `pathInUse`, `disconnected`.
  public func export(
    _ interfaces: [ExportedInterface], at path: ObjectPath, isManager: Bool = false
  ) async throws(DBusError) {
    let object = ObjectTree.Object(interfaces: interfaces, isManager: isManager)
    try await perform { loop throws(DBusError) in try loop.export(object, at: path) }
  }

  /// Takes the object at `path` back, if there is one. Calls that are being handled are still answered.
  public func unexport(_ path: ObjectPath) async throws(DBusError) {
    try await perform { loop throws(DBusError) in try loop.unexport(path) }
  }

  /// Tells everybody the present values of the named properties; those without one as invalidated.
  public func emitPropertiesChanged(
    at path: ObjectPath, _ interface: String, _ names: [String]
  ) async throws(DBusError) {
    try await perform { loop throws(DBusError) in try loop.emitPropertiesChanged(path, interface, names) }
  }

  private func perform(
    _ body: @escaping @Sendable (BusLoop) throws(DBusError) -> Void
  ) async throws(DBusError) {
    let failure: DBusError? = await withCheckedContinuation { waiter in
      mailbox.post(orFail: { waiter.resume(returning: $0) }) { loop in
        do throws(DBusError) {
          try body(loop)
          waiter.resume(returning: nil)
        } catch {
          waiter.resume(returning: error)
        }
      }
    }
    if let failure { throw failure }
  }
}
