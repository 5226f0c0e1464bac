public import DBus
public import FieldCore
import FieldWire
import Synchronization

/// Finds peers on the LAN, and lets them find this device, through the machine's avahi-daemon (`_fieldsync._tcp`).
/// Neither the bus nor Avahi need to be there: ``conditions()`` tells, and everything is set up when they come, and
/// anew when they come back.
public final class AvahiDiscovery: Sendable {
  /// Between attempts to reach the message bus.
  private static let busRetryFloor = Duration.seconds(1)
  private static let busRetryCeiling = Duration.seconds(30)
  /// How often what did not work is tried again.
  private static let repairInterval = Duration.seconds(5)
  /// Sightings that wait in one stream; a listener that is slower loses the oldest.
  private static let sightingQueueCount = 4096

  private struct State {
    var beacon: PresenceBeacon?
    var port: UInt16?
    var client: AvahiClient?

    /// The beacon's first tag is as good a name as any: it is another one in each epoch.
    var publication: AvahiPublication? {
      guard let beacon, let port else { return nil }
      return AvahiPublication(name: Hexadecimal.encode(beacon.identity), port: port, beacon: beacon)
    }
  }

  private let bus: DBusConnection.Bus
  private let time: FrameLinkClock
  private let state = Mutex(State())
  private let peers = Feed<AvahiPeerTable, PeerSighting>(AvahiPeerTable(), queueCount: sightingQueueCount) {
    $0.present
  }
  private let condition = CurrentValue<TransportCondition?>(nil)

  /// - Parameter bus: Where Avahi is; only tests want another one.
  public init(bus: DBusConnection.Bus = .system, clock: any Clock<Duration> = ContinuousClock()) {
    self.bus = bus
    time = FrameLinkClock(clock)
  }

  /// Runs until the task is cancelled.
  ///
  /// - Parameter port: Where this device listens; `nil` looks for others only.
  public func run(port: UInt16?) async {
    state.withLock { $0.port = port }
    var delay = Self.busRetryFloor
    while !Task.isCancelled {
      do {
        let connection = try await DBusConnection.open(bus)
        defer { connection.close() }
        delay = Self.busRetryFloor
        try await serve(connection)
      } catch {
        condition.set(
          TransportCondition(
            code: "busUnavailable", reason: "the message bus cannot be used, so peers on the LAN are not found",
            remedy: "check that D-Bus runs (systemctl status dbus), or give addresses with --connect", isUsable: true))
      }
      peers.update { $0.clear() }
      try? await time.sleepUntil(time.now() + delay)
      delay = min(delay * 2, Self.busRetryCeiling)
    }
    finish()
  }

  private func serve(_ connection: DBusConnection) async throws {
    let client = AvahiClient(
      connection: connection, wanted: state.withLock { $0.publication },
      outlets: AvahiClient.Outlets(
        sightings: { [peers] in peers.update($0) }, condition: { [condition] in condition.set($0) }))
    state.withLock { $0.client = client }
    defer { state.withLock { $0.client = nil } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await client.run() }
      group.addTask { [time] in
        while true {
          try await time.sleepUntil(time.now() + Self.repairInterval)
          await client.repair()
        }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  public func announce(_ beacon: PresenceBeacon) async {
    let (client, publication) = state.withLock { state in
      state.beacon = beacon
      return (state.client, state.publication)
    }
    await client?.publish(publication)
  }

  public func conditions() -> AsyncStream<TransportCondition?> { condition.values() }

  /// Each stream begins with who is there.
  public func sightings() -> AsyncStream<PeerSighting> { peers.elements() }

  private func finish() {
    peers.finish()
    condition.finish()
  }
}
