public import DBus
import Synchronization

/// bluetoothd as seen from one bus connection: what it knows, what happens, and the calls to it.
///
/// Its objects are read once and then followed through signals, which are believed from the owner of `org.bluez` only.
/// When the message bus is lost, event streams end and calls fail with `busLost`; open another client then.
public final class BlueZClient: Sendable {
  static let serviceName = "org.bluez"
  /// bluetoothd answers most things at once; what takes longer (connecting) says so.
  static let defaultTimeout = Duration.seconds(10)
  /// Events that wait in one stream; a stream that is read too slowly ends.
  private static let eventsPerStream = 8192

  public let connection: DBusConnection
  private let state: State
  private let follower: Task<Void, Never>

  private init(_ connection: DBusConnection, _ state: State, _ signals: DBusSignals) {
    self.connection = connection
    self.state = state
    follower = Task { await state.follow(signals, connection) }
  }

  deinit {
    follower.cancel()
    state.end()
  }

  /// Attaches to bluetoothd on `connection`, which no other client may use. It is no error when bluetoothd does not run
  /// yet.
  /// - Throws: `busLost`, `timedOut` when bluetoothd hangs, `cancelled`.
  public static func attach(to connection: DBusConnection) async throws(BlueZError) -> BlueZClient {
    let state = State()
    do throws(DBusError) {
      let signals = try await connection.signals([
        .ownerChanges(of: serviceName),
        MatchRule(sender: serviceName, path: .root, interface: "org.freedesktop.DBus.ObjectManager"),
        MatchRule(
          sender: serviceName, pathNamespace: "/org/bluez", interface: "org.freedesktop.DBus.Properties",
          member: "PropertiesChanged"),
      ])
      if try await connection.owner(of: serviceName) != nil { try await state.load(from: connection) }
      return BlueZClient(connection, state, signals)
    } catch {
      throw BlueZError(error)
    }
  }

  // MARK: What is known

  /// Whether bluetoothd runs.
  public var isServiceRunning: Bool { state.isServiceRunning }

  /// Whether this client follows bluetoothd no more: the bus is lost, or a bluetoothd that came back could not be read.
  public var isEnded: Bool { state.isEnded }

  public var adapters: [AdapterProperties] { state.withModel { $0.adapters } }

  public var devices: [DeviceProperties] { state.withModel { $0.devices } }

  public func adapter(_ path: ObjectPath) -> AdapterProperties? { state.withModel { $0.adapter(path) } }

  public func device(_ path: ObjectPath) -> DeviceProperties? { state.withModel { $0.device(path) } }

  /// The characteristics of a device's service, in the order of their paths, which is that of their handles. They may
  /// be told of a moment after `servicesResolved`.
  public func characteristics(of device: ObjectPath, service: BluetoothUUID) -> [CharacteristicProperties] {
    state.withModel { $0.characteristics(of: device, service: service) }
  }

  /// Everything that is present, as events, and then what happens. Ends when the bus is lost, and when it is read too
  /// slowly: a new stream then starts with what is present.
  public func events() -> AsyncStream<BlueZEvent> {
    state.subscribe(limit: Self.eventsPerStream)
  }

  // MARK: Calls

  func call(
    _ path: ObjectPath, _ interface: String, _ member: String, _ arguments: [DBusValue] = [],
    timeout: Duration = defaultTimeout
  ) async throws(BlueZError) -> [DBusValue] {
    do throws(DBusError) {
      return try await connection.call(
        MethodCall(Self.serviceName, path, interface, member, arguments), timeout: timeout)
    } catch {
      throw BlueZError(error)
    }
  }

  func set(_ path: ObjectPath, _ interface: String, _ name: String, _ value: DBusValue) async throws(BlueZError) {
    _ = try await call(
      path, "org.freedesktop.DBus.Properties", "Set", [.string(interface), .string(name), .variant(value)])
  }
}
