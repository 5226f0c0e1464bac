import FieldCore
import FieldLAN
import Logging

/// One transport for the agents of one or more homes: one listener, one adapter. Each agent has a ``TransportPort`` of
/// it. What connects waits in a ``WaitingRoom`` until its first message shows which home it is for; who knows no key of
/// any home gets no further, and is told nothing.
actor SharedTransport {
  /// How often another home's beacon is announced, where a transport has room for one.
  static let turnInterval: Duration = .seconds(4)

  nonisolated let transport: any NetworkTransport
  private let ports: [TransportPort]
  private let clock: any Clock<Duration>
  private let logger: Logger
  private var room = WaitingRoom<UInt64>()
  private var waiting: [UInt64: any TransportConnection] = [:]
  private var lastID: UInt64 = 0
  private var beacons: [PresenceBeacon?]
  private var efforts: [DiscoveryEffort?]
  private var turn = 0

  /// - Parameters:
  ///   - tables: The keys of each home, in the order of ``port(_:)``.
  ///   - discoveries: One for each home, which the transport runs; empty where it has one for itself, or none.
  init(
    _ transport: any NetworkTransport, for tables: [KeyTable], discoveries: [AvahiDiscovery] = [],
    clock: any Clock<Duration>, logger: Logger
  ) {
    self.transport = transport
    self.clock = clock
    self.logger = logger
    ports = tables.enumerated().map { index, keys in
      TransportPort(
        of: transport, keys: keys, discovery: discoveries.indices.contains(index) ? discoveries[index] : nil)
    }
    beacons = tables.map { _ in nil }
    efforts = tables.map { _ in nil }
    for (index, port) in ports.enumerated() { port.attach(to: self, as: index) }
  }

  /// The transport as the agent of one home sees it.
  nonisolated func port(_ index: Int) -> TransportPort { ports[index] }

  /// Runs until the task is cancelled; when the transport cannot go on the ports' agents hear of it.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.admit() }
      group.addTask { await self.takeTurns() }
      let error = await runTransport()
      for port in ports { port.end(error) }
      group.cancelAll()
    }
  }

  /// - Returns: What keeps it from going on.
  private func runTransport() async -> TransportError? {
    do throws(TransportError) {
      try await transport.run()
      return nil
    } catch {
      return error
    }
  }

  // MARK: Who connects

  private func admit() async {
    await withDiscardingTaskGroup { group in
      for await connection in transport.incomingConnections() {
        lastID += 1
        let id = lastID
        waiting[id] = connection
        if let evicted = room.arrived(id, from: connection.origin), let loser = waiting.removeValue(forKey: evicted) {
          group.addTask { await loser.abort() }
        }
        group.addTask { await self.hear(id, connection) }
      }
    }
  }

  private func hear(_ id: UInt64, _ connection: any TransportConnection) async {
    let first = await firstMessage(of: connection)
    var place: Int?
    if let first, SessionOpening(first) != nil {
      for (index, port) in ports.enumerated() {
        guard await port.keys.opens(first) else { continue }
        place = index
        break
      }
    }
    room.left(id)
    guard waiting.removeValue(forKey: id) != nil, let first, let place else {
      logger.debug("no session", metadata: ["peer": "\(connection.peerDescription)", "reason": "a stranger"])
      return await connection.abort()
    }
    if !ports[place].take(AdmittedConnection(connection, first: first)) { await connection.abort() }
  }

  /// `nil` when it does not come in time.
  private func firstMessage(of connection: any TransportConnection) async -> [UInt8]? {
    let clock = clock
    return await withTaskGroup(of: [UInt8]?.self) { group in
      group.addTask { try? await connection.receive() }
      group.addTask {
        guard (try? await clock.sleep(for: SessionLimits.handshakeDeadline)) != nil else { return nil }
        await connection.abort()
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  // MARK: What is told

  /// With room for one beacon the homes take turns.
  func announce(_ beacon: PresenceBeacon, of index: Int) async {
    beacons[index] = beacon
    if index == turn || beacons[turn] == nil {
      turn = index
      await transport.announce(beacon)
    }
  }

  private func takeTurns() async {
    guard ports.count > 1 else { return }
    while (try? await clock.sleep(for: Self.turnInterval)) != nil {
      let order = (1...ports.count).map { (turn + $0) % ports.count }
      guard let next = order.first(where: { beacons[$0] != nil }), next != turn, let beacon = beacons[next] else {
        continue
      }
      turn = next
      await transport.announce(beacon)
    }
  }

  /// The most that any home asks for.
  func discover(_ effort: DiscoveryEffort, for index: Int) async {
    efforts[index] = effort
    let asked = efforts.compactMap(\.self)
    await transport.discover(asked.contains(.high) ? .high : asked.contains(.normal) ? .normal : .low)
  }
}
