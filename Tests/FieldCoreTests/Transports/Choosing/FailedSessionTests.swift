import FieldTesting
import FieldWire
import Sodium
import Testing

@testable import FieldCore

/// Sessions that open and come to nothing: of a device that was revoked, of a peer whose disk is full.
@Suite struct FailedSessionTests {
  private static let address = PeerAddress(kind: .bluetooth, location: "00:00:00:00:00:01")
  /// Pauses that double from two seconds up to five minutes leave room for so many dials in half an hour.
  private static let dialLimit = 16

  private let key = SecretBytes(copying: Array(repeating: 7, count: 32))
  private let epoch = PresenceEpoch(secondsSince1970: 1_800_000_000)
  private let own = DeviceKey(words: (9, 9, 9, 9))
  private let peer = DeviceKey(words: (1, 1, 1, 1))
  private var random = SeededRandom(seed: 1)
  private var manager: TransportManager
  private var lastLink: UInt64 = 0
  private var now = Duration.zero

  init() {
    manager = TransportManager(
      own: own, transports: [.lan: .wired, .bluetooth: .shortRangeRadio], fixed: [],
      reader: PresenceReader(keys: [key], epoch: epoch), now: .zero)
    _ = handle(.members([own: .admin, peer: .member]))
    _ = handle(.holds(Self.head(1)))
  }

  private static func head(_ number: UInt8) -> StoreHead {
    StoreHead(
      epoch: StoreEpoch(rawValue: UInt64(number)), arrival: 1, entryCount: 1,
      digest: Array(repeating: number, count: 32))
  }

  private mutating func handle(_ event: TransportManager.Event) -> [PeerAddress] {
    manager.handle(event, now: now, using: &random).compactMap {
      if case .dial(let address) = $0 { address } else { nil }
    }
  }

  private mutating func see() -> [PeerAddress] {
    let beacon = PresenceBeacon(of: peer, holding: Self.head(2), in: epoch, key: key)
    return handle(.sighted(PeerSighting(address: Self.address, change: .appeared, announcement: beacon.short)))
  }

  private mutating func open(dialled: PeerAddress?) -> LinkID {
    lastLink += 1
    let id = LinkID(lastLink)
    _ = handle(.linkOpened(id, peer, .bluetooth, dialled: dialled))
    return id
  }

  /// Opens a session, and ends it 300 ms later.
  private mutating func session(dialled: PeerAddress?, wasInOrder: Bool) -> [PeerAddress] {
    let id = open(dialled: dialled)
    now += .milliseconds(300)
    return handle(.linkEnded(id, reason: "no credential", wasInOrder: wasInOrder))
  }

  /// Plays half an hour in which every dial opens a session that ends at once.
  ///
  /// - Parameter callsBack: Whether the peer connects as well, each time that this side's session has ended.
  /// - Returns: How often the peer was dialled.
  private mutating func dials(wasInOrder: Bool, callsBack: Bool = false) -> Int {
    var count = 0
    var due = see()
    while now < .seconds(1800) {
      guard let address = due.first else {
        now = max(now + .milliseconds(100), manager.wakeAt ?? .seconds(1800))
        due = handle(.timer)
        continue
      }
      count += 1
      now += .seconds(1)
      due = session(dialled: address, wasInOrder: wasInOrder)
      if callsBack, due.isEmpty { due = session(dialled: nil, wasInOrder: wasInOrder) }
    }
    return count
  }

  @Test mutating func sessionsThatFailAtOnceAreTriedLaterAndLater() {
    #expect((4...Self.dialLimit).contains(dials(wasInOrder: false)))
  }

  /// A peer that cannot store ends its sessions in order.
  @Test mutating func sessionsThatThePeerEndsBeforeAnythingIsDoneAreTriedLaterAndLater() {
    #expect((4...Self.dialLimit).contains(dials(wasInOrder: true)))
  }

  /// Two that fail each other do not call each other back without end.
  @Test mutating func aPeerThatCallsBackIsTriedLaterAndLater() {
    #expect((4...Self.dialLimit).contains(dials(wasInOrder: false, callsBack: true)))
  }

  @Test mutating func aSessionThatCameToSomethingEndsThePauses() throws {
    var due = see()
    for _ in 0..<6 {
      while due.isEmpty {
        now = try #require(manager.wakeAt)
        due = handle(.timer)
      }
      due = session(dialled: due[0], wasInOrder: false)
    }
    #expect(try #require(manager.routes[Self.address]).notBefore > now + .seconds(30))
    // The peer is well again, and calls.
    let id = open(dialled: nil)
    now += .seconds(1)
    _ = handle(.linkReport(id, LinkReport(silence: .zero, byteCount: 900, receivedCount: 5, work: .inStep)))
    _ = handle(.linkEnded(id, reason: "out of range", wasInOrder: false))
    _ = handle(.holds(Self.head(3)))
    #expect(try #require(manager.routes[Self.address]).notBefore <= now)
    #expect(manager.routes[Self.address]?.failureCount == 0)
  }

  /// A connection that breaks every few seconds, and carries something each time, is not left for minutes.
  @Test mutating func shortSessionsThatCarrySomethingAreTriedAgainSoon() throws {
    var due = see()
    for round in UInt8(3)..<20 {
      while due.isEmpty {
        now = try #require(manager.wakeAt)
        due = handle(.timer)
      }
      let id = open(dialled: due[0])
      now += .seconds(4)
      _ = handle(.holds(Self.head(round)))
      due = handle(.linkEnded(id, reason: "out of range", wasInOrder: false))
      #expect(try #require(manager.routes[Self.address]).notBefore <= now + .seconds(3))
    }
  }

  /// Whoever knows a workspace's key can make up devices without end.
  @Test mutating func adversaryDevicesThatComeAndGoAreForgotten() {
    for index in UInt64(0)..<10_000 {
      let device = DeviceKey(words: (2, 2, 2, index))
      let id = LinkID(index + 1)
      now += .milliseconds(100)
      _ = handle(.linkOpened(id, device, .lan, dialled: nil))
      let silence = ChoosingLimits.suspectAfter(.wired)
      now += silence
      _ = handle(.linkReport(id, LinkReport(silence: silence, byteCount: 1, receivedCount: 0, work: .busy)))
      _ = handle(.linkEnded(id, reason: "lost", wasInOrder: false))
    }
    #expect(manager.lostAt.count < 10)
    #expect(manager.givenUp.count < 10)
  }
}
