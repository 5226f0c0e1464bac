import FieldTesting
import FieldWire
import Sodium
import Testing

@testable import FieldCore

/// Beacons that nobody here knows: of strangers, of attackers, and of a machine that serves other workspaces too.
@Suite struct StrangerTests {
  private let key = SecretBytes(copying: Array(repeating: 7, count: 32))
  private let epoch = PresenceEpoch(secondsSince1970: 1_800_000_000)
  private let own = DeviceKey(words: (9, 9, 9, 9))
  private let member = DeviceKey(words: (1, 1, 1, 1))
  private var random = SeededRandom(seed: 1)
  private var manager: TransportManager
  private let head = StoreHead(
    epoch: StoreEpoch(rawValue: 1), arrival: 1, entryCount: 1, digest: Array(repeating: 1, count: 32))
  private let other = StoreHead(
    epoch: StoreEpoch(rawValue: 2), arrival: 5, entryCount: 5, digest: Array(repeating: 5, count: 32))

  init() {
    manager = TransportManager(
      own: own, transports: [.lan: .wired, .bluetooth: .shortRangeRadio], fixed: [],
      reader: PresenceReader(keys: [key], epoch: epoch), now: .zero)
    _ = manager.handle(.members([own: .admin, member: .member]), now: .zero, using: &random)
    _ = manager.handle(.holds(head), now: .zero, using: &random)
  }

  private mutating func see(
    _ announcement: [UInt8], at location: String, _ kind: TransportKind = .lan, now: Duration
  ) -> [PeerAddress] {
    let sighting = PeerSighting(
      address: PeerAddress(kind: kind, location: location), change: .appeared, announcement: announcement)
    return dials(manager.handle(.sighted(sighting), now: now, using: &random))
  }

  private func dials(_ actions: [TransportManager.Action]) -> [PeerAddress] {
    actions.compactMap { if case .dial(let address) = $0 { address } else { nil } }
  }

  private var beacon: PresenceBeacon { PresenceBeacon(of: member, holding: other, in: epoch, key: key) }

  /// Ten thousand forged announcements: what is remembered is bounded, and a member is seen and dialled among them.
  @Test mutating func adversaryForgedAnnouncementsHideNoMember() throws {
    for index in 0..<10_000 {
      let forged = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = see(forged, at: "10.0.\(index / 250).\(index % 250):1", now: .milliseconds(index))
    }
    #expect(manager.routes.count <= ChoosingLimits.strangerRouteCount)
    #expect(manager.dialling.count < ChoosingLimits.networkDialCount, "one dial is left for those who are known")
    var dialled = Set(see(beacon.bytes, at: "10.1.0.1:1", now: .seconds(11)))
    let address = PeerAddress(kind: .lan, location: "10.1.0.1:1")
    #expect(manager.routes[address]?.device == member)
    // The strangers that are being dialled never answer.
    for second in 12..<16 { dialled.formUnion(dials(manager.handle(.timer, now: .seconds(second), using: &random))) }
    #expect(dialled.contains(address))
  }

  /// A machine that serves several workspaces announces them in turn at one address.
  @Test mutating func otherWorkspacesAtAMembersAddressAreNoise() throws {
    let address = PeerAddress(kind: .bluetooth, location: "00:00:00:00:00:01")
    for turn in 0..<20 {
      let now = Duration.seconds(4 * turn)
      let announcement = turn.isMultiple(of: 2) ? beacon.short : [UInt8(turn), 1, 2, 3]
      _ = see(announcement, at: address.location, .bluetooth, now: now)
      #expect(manager.routes[address]?.device == member && manager.routes[address]?.recognition != nil)
    }
    // Somebody else has the address since.
    _ = see([1, 2, 3, 4], at: address.location, .bluetooth, now: .seconds(200))
    #expect(manager.routes[address]?.recognition == nil)
  }

  /// Strangers have their turns: one that failed makes room for the next.
  @Test mutating func strangersThatFailedMakeRoom() {
    for index in 0..<ChoosingLimits.strangerRouteCount {
      _ = see([UInt8(index), 1, 2, 3], at: "a\(index)", now: .zero)
    }
    let late = PeerAddress(kind: .lan, location: "late")
    _ = see([9, 9, 9, 9], at: late.location, now: .seconds(1))
    #expect(manager.routes[late] == nil)
    _ = manager.handle(
      .dialFailed(PeerAddress(kind: .lan, location: "a7"), reason: "nobody", isStranger: true), now: .seconds(2),
      using: &random)
    _ = see([9, 9, 9, 9], at: late.location, now: .seconds(3))
    #expect(manager.routes[late] != nil)
    #expect(manager.routes[PeerAddress(kind: .lan, location: "a7")] == nil)
  }
}
