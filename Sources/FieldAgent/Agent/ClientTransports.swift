import FieldBluetooth
public import FieldCore
import FieldLAN
public import Logging
import Synchronization

/// The transports of a command that reaches one peer, running for as long as it needs them.
public struct ClientTransports: Sendable {
  /// For the adapter to be ready.
  private static let readyDeadline = Duration.seconds(20)

  private let lan: TCPTransport?
  private let bluetooth: BluetoothTransport?
  private let clock: any Clock<Duration>

  /// - Parameters:
  ///   - address: The peer's; `nil` to look for it over everything there is.
  ///   - adapter: `hciN`; `nil` for the first adapter that is on.
  public init(
    reaching address: PeerAddress?, adapter: String?, logger: Logger, clock: any Clock<Duration> = ContinuousClock()
  ) {
    lan =
      address?.kind == .bluetooth
      ? nil : TCPTransport(listen: nil, discoveries: address == nil ? [AvahiDiscovery()] : [])
    bluetooth =
      address?.kind == .lan
      ? nil
      : BluetoothTransport(
        configuration: BluetoothConfiguration(adapter: adapter), clock: clock, logger: logger)
    self.clock = clock
  }

  /// - Throws: ``AgentError`` with `agentUnavailable` when the address needs a transport that does not work here, or
  ///   what `body` throws.
  public func run<Value: Sendable>(
    reaching address: PeerAddress?, _ body: @Sendable (PeerClient) async throws -> Value
  ) async throws -> Value {
    let all: [(any NetworkTransport)?] = [lan, bluetooth]
    let transports = all.compactMap(\.self)
    let running = transports.map { transport in
      Task { try? await transport.run() }
    }
    // Who dials takes no calls.
    let refusing = transports.map { transport in
      Task { for await connection in transport.incomingConnections() { await connection.close() } }
    }
    do {
      if address?.kind == .bluetooth { try await bluetoothIsReady() }
      let value = try await body(PeerClient(transports: transports, clock: clock))
      await end(running, refusing)
      return value
    } catch {
      await end(running, refusing)
      throw error
    }
  }

  private func end(_ running: [Task<Void?, Never>], _ refusing: [Task<Void, Never>]) async {
    for task in running { task.cancel() }
    for task in running { _ = await task.value }
    for task in refusing { task.cancel() }
  }

  private func bluetoothIsReady() async throws {
    guard let bluetooth else { return }
    let changes = bluetooth.statusChanges()
    let isReady = try await withThrowingTaskGroup(of: Bool.self) { [clock] group in
      group.addTask {
        for await status in changes where status.adapter != nil && status.problem == nil { return true }
        return false
      }
      group.addTask {
        try await clock.sleep(for: Self.readyDeadline)
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
    guard isReady else {
      let problem = bluetooth.status.problem
      throw AgentError(
        .agentUnavailable, "Bluetooth does not work here: \(problem?.reason ?? "no adapter answers").",
        hint: problem.map { "To mend it, \($0.remedy)." } ?? "See that an adapter is there and on.")
    }
  }
}

extension PeerClient {
  /// How long is looked for new peers.
  public static let searchDeadline = Duration.seconds(60)
  /// For one peer that could not be reached at once.
  private static let attemptCount = 3

  /// Tries everybody near, in the order in which they are seen, until one is the right one.
  ///
  /// - Parameters:
  ///   - deadline: Ends the search, not an attempt that is under way.
  ///   - attempt: Throws ``AgentError`` with `peerRefused` for a wrong one, `peerNotFound` or `incomplete` for one that
  ///     may be tried again; anything else ends the search.
  /// - Throws: ``AgentError`` with `peerNotFound`, or what an attempt ended the search with.
  public func search<Value: Sendable>(
    within deadline: Duration = searchDeadline, _ attempt: (PeerAddress) async throws -> Value
  ) async throws -> Value {
    // Anybody can make up peers, and they are tried one after the other.
    let (candidates, found) = AsyncStream.makeStream(
      of: PeerAddress.self, bufferingPolicy: .bufferingOldest(AgentLimits.searchQueueCount))
    let watching = transports.map { transport in
      Task {
        for await sighting in transport.sightings() where sighting.change == .appeared {
          found.yield(sighting.address)
        }
      }
    }
    let problems = Problems()
    let listening = transports.map { transport in
      Task { for await condition in transport.conditions() { problems.set(condition, of: transport.kind) } }
    }
    let timer = Task { [clock] in
      try? await clock.sleep(for: deadline)
      found.finish()
    }
    defer {
      timer.cancel()
      for task in watching + listening { task.cancel() }
    }
    var attempts: [PeerAddress: Int] = [:]
    var last: AgentError?
    for await address in candidates where attempts[address, default: 0] < Self.attemptCount {
      attempts[address, default: 0] += 1
      do {
        return try await attempt(address)
      } catch let error as AgentError {
        switch error.code {
        case .peerRefused: attempts[address] = Self.attemptCount
        case .peerNotFound, .incomplete: found.yield(address)
        default: throw error
        }
        last = error
      }
    }
    let conditions = problems.all
    let tried =
      attempts.count == 1 ? "the one device near was not it" : "none of the \(attempts.count) devices near was it"
    throw AgentError(
      .peerNotFound,
      (["Nobody was found: " + (last.map { "\(tried). \($0.message)" } ?? "nobody was seen near.")]
        + conditions.map { "\($0.reason)." }).joined(separator: " "),
      hint: "See that the inviting device runs 'fieldsync agent' and is near, or give its address with '--connect'."
        + conditions.map { " For more: \($0.remedy)." }.joined())
  }
}

/// What keeps each transport from working.
private final class Problems: Sendable {
  private let conditions = Mutex<[TransportKind: TransportCondition]>([:])

  func set(_ condition: TransportCondition?, of kind: TransportKind) { conditions.withLock { $0[kind] = condition } }

  var all: [TransportCondition] {
    conditions.withLock { $0.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value) }
  }
}
