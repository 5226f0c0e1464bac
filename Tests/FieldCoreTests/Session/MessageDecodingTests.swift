import FieldTesting
import FieldWire
import SetReconciliation
import StoreFixtures
import Testing

@testable import FieldCore

@Suite struct MessageDecodingTests {
  private static func id(_ value: UInt64) -> EntryID { EntryID(words: (value, value, value, value)) }

  private static let head = StoreHead(
    epoch: StoreEpoch(rawValue: 7), arrival: 90_000, entryCount: 70, digest: [UInt8](repeating: 3, count: 32))
  private static let state = StateNotice(
    head: head, root: [UInt8](repeating: 9, count: 16), pulledThrough: 5, isExact: true, wantedCount: 2)
  private static let greeting = ReconcileGreeting(
    head: head, rootHalf: [UInt8](repeating: 9, count: 8),
    base: ReconcileGreeting.Base(tag: [1, 2, 3, 4], countSince: 70), isScoped: true,
    move: .sketch(DifferenceEstimator(entryCount: 70), syndromes: [UInt8](repeating: 6, count: 96)))
  private static let hello = Hello(capabilities: .all, greeting: greeting)
  private static let moves: [ReconcileMove] = [
    .none, .sketch(DifferenceEstimator(width: .widest), syndromes: []), .askList(parameter: 12),
    .list(count: 20, parameter: 9, bytes: [1, 2, 3]),
    .partition(bucketCount: 2, syndromeCount: 3, bytes: [UInt8](repeating: 7, count: 24)),
    .askSyndromes(3..<9, bitmap: [2]), .syndromes([1, 2, 3, 4]),
    .cells(first: 7, bytes: [UInt8](repeating: 8, count: 36)), .askCells(count: 90),
    .found(comingCount: 3, askedCount: 70, asked: [9, 9]), .foundAll, .undecided(.budget), .follows,
  ]
  private static let page = ScanPage(
    listings: [
      EntryListing(id: id(1), kind: .documentChange, byteCount: 300, arrival: 4),
      EntryListing(id: id(2), kind: .blobChunk, byteCount: 70_000, arrival: 9),
    ], next: StoreCursor(epoch: StoreEpoch(rawValue: 7), arrival: 12), hasMore: true)
  private static let filter = EntryFilter(
    scope: .document(DatabaseID(words: (1, 2)), DocumentID(words: (3, 4))), kinds: [.delete, .blobChunk],
    author: DeviceKey(words: (1, 2, 3, 4)),
    absentFrom: BloomSummary(entryCount: 20, bitsPerEntry: 10, key: SummaryKey(words: (1, 2))), before: 77)

  /// One message of each kind whose body is decoded, and how it is decoded and encoded again.
  private static let samples: [(Message, @Sendable (Message) throws -> Message)] =
    [
      sample(hello), sample(state), sample(HeadReply(head: head)),
      sample(ScanRequest(cursor: head.cursor, limit: 10, isToEnd: true, filter: filter, summaryAttempt: 1)),
      sample(ScanReply(page: page)), sample(FetchRequest(ids: [id(1), id(2)])), sample(HeadersRequest(ids: [id(1)])),
      sample(ContainedRequest(ids: [id(3)])), sample(IdentifiersReply(ids: [id(1), id(2)])),
      sample(ContainedReply(isContained: [true, false, true])),
      sample(SummaryRequest(attempt: 1, bitsPerEntry: 10, scope: .database(DatabaseID(words: (1, 2))))),
      sample(SummaryReply(summary: BloomSummary(entryCount: 9, bitsPerEntry: 10, key: SummaryKey(words: (1, 2))))),
      sample(DependenciesRequest(start: id(1), stop: .snapshot, maximumDepth: 100)),
      sample(OutcomesReply(outcomes: [.stored, .duplicate, .refused(.purged)])), sample(JoinRequest(name: "phone")),
      sample(Welcome()), sample(CompareRequest(attempt: 1, greeting: greeting)), sample(MovePart(bytes: [1, 2, 3])),
      sample(
        AddressesNotice(addresses: [
          PeerAddress(kind: .lan, location: "10.0.0.1:1"), PeerAddress(kind: .lan, location: "[fd00::1]:65535"),
        ])),
      sample(
        RefusalsNotice(items: [
          .init(code: .storeFull, entryCount: 7), .init(code: .authorQuota, entryCount: 70_000, author: .number(3)),
        ])),
      sample(ContentStart(index: 3, offset: 70_000, byteCount: 90_000)),
      sample(ContentRequest(items: [.init(id: id(1)), .init(id: id(2), having: [1, 2, 3])])),
      sample(ContentPiece(bytes: [1, 2, 3])),
      sample(
        PullRequest(
          inlineByteCount: 16_384,
          chains: KnownChains(
            ends: [
              Chain(author: DeviceKey(words: (1, 2, 3, 4)), database: DatabaseID(words: (1, 2))): 7,
              Chain(author: DeviceKey(words: (1, 2, 3, 4)), database: DatabaseID(words: (1, 3))): 70_000,
            ], isComplete: true),
          scan: ScanRequest(cursor: head.cursor, limit: 10, isToEnd: true, filter: filter, summaryAttempt: 1))),
    ] + moves.map { sample(MoveMessage($0)) }

  private static func sample<Body: MessageBody>(_ body: Body) -> (Message, @Sendable (Message) throws -> Message) {
    (Message(body), { Message(try $0.decode(Body.self)) })
  }

  @Test(arguments: samples.indices)
  func bodiesComeBack(index: Int) throws {
    let (message, recode) = Self.samples[index]
    #expect(try recode(message) == message)
    for count in 0..<message.body.count {
      var cut = message
      cut.body = Array(message.body.prefix(count))
      // A shorter list of fewer things may be valid; whatever is, is canonical.
      if let decoded = try? recode(cut) { #expect(decoded.body == cut.body) }
    }
  }

  @Test(arguments: samples.indices)
  func mutatedBodiesDoNoHarm(index: Int) throws {
    let (message, recode) = Self.samples[index]
    var mutator = ByteMutator(seed: UInt64(index) + 1)
    var accepted = 0
    for _ in 0..<20_000 {
      let mutated = Message(message.type, body: mutator.mutate(message.body))
      guard let decoded = try? recode(mutated) else { continue }
      accepted += 1
      // Extension fields may follow.
      #expect(mutated.body.starts(with: decoded.body))
    }
    #expect(accepted < 20_000)
  }

  /// A peer must not make this device knock at its own doors, however it spells them.
  @Test func anAddressOfTheReceiversOwnMachineIsNone() throws {
    func notice(_ location: String) -> Message {
      var writer = WireWriter()
      writer.varint(1)
      writer.u8(1)
      writer.text(location)
      return Message(.addresses, body: writer.bytes)
    }
    for location in [
      "127.0.0.1:22", "127.1:22", "0.0.0.0:22", "0177.0.0.1:22", "[::1]:22", "[::]:22", "[0::1]:22",
      "[0:0:0:0:0:0:0:1]:22", "[0000::0001]:22", "[0::]:22", "[::ffff:127.0.0.1]:22", "[0::ffff:127.0.0.1]:5432",
      "[0:0:0:0:0:ffff:7f00:1]:22", "[::127.0.0.1]:22", "[::ffff:10.0.0.1]:22", "[1::2::3]:22", "[1:2:3:4:5:6:7]:22",
      "[1:2:3:4:5:6:7:8:9]:22", "[1.2.3.4::]:22", "[12345::]:22", "[fd00::1]", "[fd00::1]22", "10.0.0:22",
      "10.0.0.256:22", "10.0.0.1:65536", "10.0.0.1:0", "10.0.0.1:", "fd00::1:22", "[:::1]:22", "[]:22",
    ] {
      #expect(throws: WireError(.invalidValue, ""), "\(location)") {
        try notice(location).decode(AddressesNotice.self)
      }
      #expect(AddressesNotice(addresses: [PeerAddress(kind: .lan, location: location)]).addresses.isEmpty)
    }
    for location in [
      "10.0.0.1:1", "192.168.255.0:65535", "169.254.1.2:80", "[fd00::1]:65535", "[2001:db8:0:1:2:3:4:5]:9",
      "[64:ff9b::10.0.0.1]:9", "[fe80::]:9",
    ] {
      #expect(try notice(location).decode(AddressesNotice.self).addresses.map(\.location) == [location])
    }
  }

  /// What a peer counts goes into sums here.
  @Test func countsAreOfASizeThatSumsCanHave() throws {
    let most = WireReader.entryCountLimit
    func check<Body: MessageBody & Equatable>(_ body: Body, _ places: WritableKeyPath<Body, UInt64>...) throws {
      for place in places {
        var body = body
        body[keyPath: place] = most
        #expect(try Message(body).decode(Body.self) == body)
        body[keyPath: place] = most + 1
        #expect(throws: WireError(.limitExceeded, "")) { try Message(body).decode(Body.self) }
      }
    }
    try check(Self.state, \.arrival, \.entryCount, \.pulledThrough, \.wantedCount)
    var hello = Self.hello
    hello.greeting.base?.countSince = most + 1
    #expect(throws: WireError(.limitExceeded, "")) { try Message(hello).decode(Hello.self) }
    try check(Self.hello, \.greeting.arrival, \.greeting.entryCount)
    for move in [
      ReconcileMove.found(comingCount: most + 1, askedCount: 0, asked: []),
      .found(comingCount: 0, askedCount: most + 1, asked: []), .list(count: most + 1, parameter: 9, bytes: [1]),
    ] {
      #expect(throws: WireError(.limitExceeded, "")) { try Message(MoveMessage(move)).decode(MoveMessage.self) }
    }
  }

  @Test func mutatedPacketsDoNoHarm() throws {
    var mutator = ByteMutator(seed: 5)
    for round in 0..<40_000 {
      var sender = Multiplexer(role: .initiator)
      let stream = sender.open()
      _ = try sender.send(Message(Self.state).framed, on: stream, isLast: round % 2 == 0)
      sender.notify(Message(Self.hello).framed)
      let sent = sender.nextPacket(byteCount: 4000)
      let packet = mutator.mutate(try #require(sent).packet)
      var receiver = Multiplexer(role: .responder)
      do {
        _ = try receiver.received(packet)
        _ = try receiver.received(packet)
      } catch {
        #expect(error.code == .protocolViolation)
      }
    }
  }

  @Test func largeMessagesAndManyStreamsShareTheLink() throws {
    var random = SeededRandom(seed: 9)
    var near = Multiplexer(role: .initiator)
    var far = Multiplexer(role: .responder)
    var expected: [StreamID: [[UInt8]]] = [:]
    var got: [StreamID: [[UInt8]]] = [:]
    for size in [0, 1, 63, 64, 70_000, 300_000, 1_000_000] {
      let stream = near.open()
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
      var writer = WireWriter()
      writer.lengthPrefixed(bytes)
      _ = try near.send(writer.bytes, on: stream, isLast: true)
      expected[stream] = [bytes]
    }
    var rounds = 0
    while near.hasOutput || far.hasOutput {
      rounds += 1
      try #require(rounds < 20_000)
      if let (packet, _) = near.nextPacket(byteCount: 4096) {
        for case .message(let stream, let bytes) in try far.received(packet) {
          got[stream, default: []].append(bytes)
          far.consumed(bytes.count, on: stream)
        }
      }
      if let (packet, _) = far.nextPacket(byteCount: 4096) { _ = try near.received(packet) }
    }
    #expect(got == expected)
  }

  @Test func dataWithoutCreditEndsTheSession() throws {
    var far = Multiplexer(role: .responder)
    var writer = WireWriter()
    for _ in 0..<2 {
      SessionFrame.data(StreamID(1), [UInt8](repeating: 0, count: 60_000)[...], .none).encode(into: &writer)
    }
    #expect(throws: SessionError(.protocolViolation, "")) { try far.received(writer.bytes) }
  }
}
