import DBus
import DBusTesting
import FieldCore
import FieldLAN
import Foundation
import Synchronization
import Testing

/// A private bus with an avahi-daemon in Python on it, a discovery of ours, and a second connection that tells the fake
/// what to do.
final class FakeAvahi: Sendable {
  let bus: PrivateBus
  let discovery: AvahiDiscovery
  private let daemon: Mutex<PeerProcess>
  private let remote: Mutex<DBusConnection>
  private let running: Task<Void, Never>

  init() async throws {
    bus = try await PrivateBus()
    daemon = Mutex(try await Self.startDaemon(on: bus))
    remote = Mutex(try await DBusConnection.open(.address(bus.address)))
    let discovery = AvahiDiscovery(bus: .address(bus.address))
    self.discovery = discovery
    running = Task { await discovery.run(port: 7747) }
  }

  deinit { running.cancel() }

  private static func startDaemon(on bus: PrivateBus) async throws -> PeerProcess {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/fake_avahi.py")
    let daemon = try bus.python(script)
    _ = try await daemon.nextLine()
    return daemon
  }

  func killDaemon() { daemon.withLock { $0.kill() } }

  func startDaemon() async throws {
    let new = try await Self.startDaemon(on: bus)
    daemon.withLock { $0 = new }
  }

  func restartBus() async throws {
    try await bus.restart()
    try await startDaemon()
    let new = try await DBusConnection.open(.address(bus.address))
    remote.withLock { $0 = new }
  }

  @discardableResult
  func tell(_ member: String, _ arguments: DBusValue...) async throws -> [DBusValue] {
    let connection = remote.withLock { $0 }
    return try await connection.call(
      MethodCall("org.freedesktop.Avahi", "/", "org.example.Fake", member, arguments))
  }

  func peer(_ name: String, _ address: String, _ port: UInt16, _ text: [[UInt8]]) async throws {
    try await tell(
      "Peer", .string(name), .string(address), .uint16(port), .array(text.map { .bytes($0) }, of: "ay"))
  }

  /// Returns the names that are published once they are as wanted.
  @discardableResult
  func published(where isWanted: ([String]) -> Bool) async throws -> [String] {
    while true {
      let names = try await tell("Published").first?.asStrings ?? []
      if isWanted(names) { return names }
      await Task.yield()
    }
  }

  /// Returns once the condition's code is that, or there is none.
  func condition(_ code: String?) async throws {
    let condition = await discovery.conditions().first { $0?.code == code }
    _ = try #require(condition)
  }

  func sighting(
    _ change: PeerSighting.Change, of location: String, in sightings: AsyncStream<PeerSighting>
  ) async throws -> PeerSighting {
    try #require(await sightings.first { $0.change == change && $0.address.location == location })
  }
}
