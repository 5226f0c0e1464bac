import DBus
import DBusTesting
import FieldCore
import FieldWire
import Sodium
import Testing

@testable import FieldLAN

/// Discovery over a real message bus, with an avahi-daemon that does what real ones seldom do.
@Suite(.timeLimit(.minutes(2))) struct AvahiBusTests {
  private static let beacon = PresenceBeacon((0..<UInt8(16)).map { $0 })
  private static let name = Hexadecimal.encode((0..<UInt8(8)).map { $0 })
  private static let other = PresenceBeacon((16..<UInt8(32)).map { $0 })

  private func started() async throws -> FakeAvahi {
    let avahi = try await FakeAvahi()
    await avahi.discovery.announce(try #require(Self.beacon))
    try await avahi.published { $0 == [Self.name] }
    return avahi
  }

  private func text() throws -> [[UInt8]] { [Array(AvahiService.text(of: try #require(Self.other)).utf8)] }

  @Test func peersComeAndGo() async throws {
    let avahi = try await started()
    #expect(try await avahi.tell("Ports") == [.array([.uint16(7747)], of: "q")])
    let sightings = avahi.discovery.sightings()
    try await avahi.peer("bob", "10.0.0.2", 7748, try text())
    let appeared = try await avahi.sighting(.appeared, of: "10.0.0.2:7748", in: sightings)
    #expect(appeared.announcement == Self.other?.bytes)
    try await avahi.tell("Gone", .string("bob"))
    _ = try await avahi.sighting(.vanished, of: "10.0.0.2:7748", in: sightings)
  }

  @Test func aNameThatSomebodyElseHasIsGivenUp() async throws {
    let avahi = try await started()
    try await avahi.tell("Collide")
    let names = try await avahi.published { !$0.isEmpty }
    #expect(names.count == 1 && names.first?.hasPrefix(Self.name + "-") == true, "\(names)")
    // What is new is published under the new name as well.
    let newer = try #require(PresenceBeacon((0..<UInt8(8)).map { $0 } + (40..<UInt8(48)).map { $0 }))
    await avahi.discovery.announce(newer)
    try await avahi.condition(nil)
    #expect(try await avahi.published { !$0.isEmpty } == names)
  }

  @Test func aNameThatIsTakenOnThisMachineIsGivenUp() async throws {
    let avahi = try await FakeAvahi()
    try await avahi.tell("Refuse", .string(Self.name))
    await avahi.discovery.announce(try #require(Self.beacon))
    let names = try await avahi.published { !$0.isEmpty }
    #expect(names.count == 1 && names.first?.hasPrefix(Self.name + "-") == true, "\(names)")
  }

  /// Avahi says of each service once that it is there, and gives a client so many resolvers and no more.
  @Test func aPeerThatCouldNotBeResolvedIsTriedAgain() async throws {
    let avahi = try await started()
    let sightings = avahi.discovery.sightings()
    try await avahi.tell("LimitResolvers", .uint32(1))
    try await avahi.peer("alice", "10.0.0.2", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.2:7748", in: sightings)
    try await avahi.peer("bob", "10.0.0.3", 7748, try text())
    try await avahi.peer("carol", "10.0.0.4", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.3:7748", in: sightings)
    _ = try await avahi.sighting(.appeared, of: "10.0.0.4:7748", in: sightings)
    #expect(try await avahi.tell("Resolvers") == [.uint32(1)])
    // Who was found stays, and is seen to go, without a resolver.
    for name in ["alice", "bob", "carol"] { try await avahi.tell("Gone", .string(name)) }
    var gone: Set<String> = []
    for await sighting in sightings {
      #expect(sighting.change == .vanished)
      gone.insert(sighting.address.location)
      if gone.count == 3 { break }
    }
  }

  @Test func avahiMayGoAndComeBack() async throws {
    let avahi = try await started()
    let sightings = avahi.discovery.sightings()
    try await avahi.peer("bob", "10.0.0.2", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.2:7748", in: sightings)
    avahi.killDaemon()
    _ = try await avahi.sighting(.vanished, of: "10.0.0.2:7748", in: sightings)
    try await avahi.condition("discoveryUnavailable")
    try await avahi.startDaemon()
    try await avahi.published { $0 == [Self.name] }
    try await avahi.condition(nil)
    try await avahi.peer("bob", "10.0.0.3", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.3:7748", in: sightings)
  }

  @Test func theBusMayGoAndComeBack() async throws {
    let avahi = try await started()
    let sightings = avahi.discovery.sightings()
    try await avahi.peer("bob", "10.0.0.2", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.2:7748", in: sightings)
    avahi.bus.kill()
    _ = try await avahi.sighting(.vanished, of: "10.0.0.2:7748", in: sightings)
    try await avahi.condition("busUnavailable")
    try await avahi.restartBus()
    try await avahi.published { $0 == [Self.name] }
    try await avahi.condition(nil)
    try await avahi.peer("bob", "10.0.0.3", 7748, try text())
    _ = try await avahi.sighting(.appeared, of: "10.0.0.3:7748", in: sightings)
  }

  /// What a peer publishes is anything at all: its text is a beacon or nothing, and its address an address or nobody's.
  @Test func whatIsMalformedIsNobody() async throws {
    let avahi = try await started()
    let sightings = avahi.discovery.sightings()
    let texts: [[[UInt8]]] = [
      [], [[]], [Array("p=".utf8)], [Array("p=zz".utf8)], [[0xFF, 0xFE]],
      [Array("p=".utf8) + Array(repeating: 0xFF, count: 32)],
      Array(repeating: Array(repeating: 0x70, count: 255), count: 200),
    ]
    for (index, text) in texts.enumerated() {
      try await avahi.peer("bad\(index)", "10.0.1.\(index)", 1, text)
      let sighting = try await avahi.sighting(.appeared, of: "10.0.1.\(index):1", in: sightings)
      #expect(sighting.announcement.isEmpty)
    }
    for (index, address) in ["", "nobody", "10.0.2", "fe80::1%", "::1::2", "10.0.2.1 "].enumerated() {
      try await avahi.peer("worse\(index)", address, 1, try text())
    }
    try await avahi.peer("port", "10.0.2.9", 0, try text())
    try await avahi.tell("Nonsense")
    try await avahi.peer("bob", "10.0.0.2", 7748, try text())
    var seen: [String] = []
    for await sighting in sightings {
      seen.append(sighting.address.location)
      if sighting.address.location == "10.0.0.2:7748" { break }
    }
    #expect(seen == ["10.0.0.2:7748"])
    // Neither did that harm what is published.
    try await avahi.published { $0 == [Self.name] }
  }
}
