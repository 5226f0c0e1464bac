import FieldWire
import Noise
import Sodium
import StoreFixtures
import Testing

@testable import FieldCore

/// A member whose session breaks the rules: the other side ends it, and nothing worse.
@Suite(.timeLimit(.minutes(1))) struct HostileSessionTests {
  private static let largest: UInt64 = 1 << 62 - 1

  /// Runs `attack` as a member against the founder, who syncs as always.
  ///
  /// - Returns: What the founder says of the session.
  private func meet(
    _ village: Village, attack: @escaping @Sendable (Session) async throws -> Void
  ) async throws -> SyncOutcome {
    let (near, far) = MemoryConnection.pair()
    async let outcome = PeerSyncTests.run(far, village, village.founder, isInitiator: false)
    let session = try await SessionEstablisher(identity: village.residents[1].keyPair, clock: ContinuousClock())
      .initiate(on: near, with: village.syncKey)
    async let running = session.run()
    // Whatever ends the session ends the attack.
    do { try await attack(session) } catch is SessionError {}
    await session.close(.done)
    _ = await running
    return try await outcome
  }

  private static func greeting(_ entryCount: UInt64, _ move: ReconcileMove) -> ReconcileGreeting {
    ReconcileGreeting(
      head: StoreHead(epoch: StoreEpoch(rawValue: 1), arrival: 0, entryCount: entryCount, digest: []),
      rootHalf: [UInt8](repeating: 0, count: ReconcileSecrets.rootHalfByteCount), move: move)
  }

  private static func state(arrival: UInt64) -> StateNotice {
    StateNotice(
      head: StoreHead(epoch: StoreEpoch(rawValue: 1), arrival: arrival, entryCount: arrival, digest: []),
      root: [UInt8](repeating: 0, count: StateNotice.rootByteCount), pulledThrough: 0, isExact: false, wantedCount: 0)
  }

  private static func drain(_ stream: SessionStream) async throws {
    while try await stream.receive() != nil {}
  }

  /// The next stream that the other side opens with such a message.
  private static func next(
    _ type: MessageType, in streams: inout AsyncStream<SessionStream>.Iterator
  ) async throws -> (SessionStream, Message)? {
    while let stream = await streams.next() {
      if let first = try await stream.receive(), first.type == type { return (stream, first) }
    }
    return nil
  }

  /// Announces the largest numbers that an integer can have, twice, and then names entries that never come.
  @Test func countsThatOverflowEndTheSession() async throws {
    let village = try await Village.make(memberCount: 1)
    let outcome = try await meet(village) { session in
      var streams = session.incoming.makeAsyncIterator()
      let greeting = Self.greeting(Self.largest, .found(comingCount: Self.largest, askedCount: 0, asked: []))
      try await Self.drain(try await session.open(Message(Hello(capabilities: .all, greeting: greeting)), isLast: true))
      _ = try await Self.next(.state, in: &streams)
      try await Self.drain(
        try await session.open(Message(CompareRequest(attempt: 1, greeting: greeting)), isLast: true))
      _ = try await Self.next(.state, in: &streams)
      try await session.notify(Message(Self.state(arrival: 9)))
      while let (stream, first) = try await Self.next(.pull, in: &streams) {
        let isAll = try first.decode(PullRequest.self).scan.filter.kinds == nil
        let listings = (1...2).map {
          EntryListing(id: .number(UInt64($0)), kind: .documentChange, byteCount: 300, arrival: UInt64($0))
        }
        let page = ScanPage(
          listings: isAll ? listings : [], next: StoreCursor(epoch: StoreEpoch(rawValue: 1), arrival: 9),
          hasMore: false)
        try await stream.send(Message(ScanReply(page: page)), isLast: true)
        guard isAll, let (fetch, _) = try await Self.next(.fetch, in: &streams) else { continue }
        await fetch.end()
        _ = try await Self.next(.state, in: &streams)
      }
    }
    #expect(outcome.end.code == .protocolViolation)
  }

  /// Names nothing, which costs a few bytes, for as long as it likes.
  @Test func namingNothingEndsTheSession() async throws {
    let village = try await Village.make(memberCount: 1)
    let outcome = try await meet(village) { session in
      let greeting = Self.greeting(5, .found(comingCount: 5, askedCount: 0, asked: []))
      let stream = try await session.open(Message(Hello(capabilities: .all, greeting: greeting)), isLast: false)
      for _ in 0..<100 { try await stream.send(Message(.identifiers, body: [0])) }
      await stream.end()
      // Until the session is over: who hangs up first is not seen to break a rule.
      for await _ in session.incoming {}
    }
    #expect(outcome.end.code == .protocolViolation)
  }

  /// Names without an end what it never sends: that is asked for while it goes on, and not kept.
  @Test func whatIsNamedIsAskedForWhileMoreIsNamed() async throws {
    let village = try await Village.make(memberCount: 1)
    _ = try await meet(village) { session in
      let greeting = Self.greeting(1 << 40, .found(comingCount: 1 << 40, askedCount: 0, asked: []))
      let stream = try await session.open(Message(Hello(capabilities: .all, greeting: greeting)), isLast: false)
      for page in 0..<UInt64(8) {
        let ids = (0..<1000).map { EntryID.number(page * 1000 + $0) }
        try await stream.send(Message(IdentifiersReply(ids: ids)))
      }
      var streams = session.incoming.makeAsyncIterator()
      let (fetch, request) = try required(try await Self.next(.fetch, in: &streams))
      #expect(try request.decode(FetchRequest.self).ids.first == .number(0))
      await fetch.end()
    }
  }

  /// How a stream can be over at once, so that it costs its opener no place.
  enum End: CaseIterable { case reset, notice }

  /// Opens streams that are over at once, with nothing to speak of in them or with much.
  @Test(arguments: End.allCases, [0, 60_000]) func streamsThatAreOverAtOnceAreBounded(
    end: End, byteCount: Int
  ) async throws {
    let village = try await Village.make(memberCount: 0)
    let pair = MemoryConnection.pair()
    // Nobody comes to read there what streams bring.
    let far = Task {
      let session = try await SessionEstablisher(identity: village.founder.keyPair, clock: ContinuousClock())
        .respond(on: pair.1, with: [village.syncKey])
      return await session.run()
    }
    var sending = try await SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock())
      .initiate(on: pair.0, with: village.syncKey).secrets.sending
    let message = Message(.head, body: [UInt8](repeating: 0, count: byteCount)).framed[...]
    let streamCount = byteCount == 0 ? SessionLimits.unfinishedStreamCount : SessionLimits.inboundByteCount / byteCount
    do {
      for index in 0...UInt64(streamCount) {
        var writer = WireWriter()
        let id = StreamID(2 * index + 1)
        SessionFrame.data(id, message, end == .notice ? .stream : .none).encode(into: &writer)
        if end == .reset { SessionFrame.reset(id, .cancelled).encode(into: &writer) }
        try await pair.0.send(try sending.encrypt(writer.bytes))
      }
      var writer = WireWriter()
      SessionFrame.close(.done).encode(into: &writer)
      try await pair.0.send(try sending.encrypt(writer.bytes))
    } catch is TransportError {}
    #expect(try await far.value.code == .protocolViolation)
  }
}
