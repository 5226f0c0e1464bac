import FieldCore
import Sodium
import FieldWire
import Testing

@Suite struct PeerSyncTests {
  /// Syncs two stores until both say that they are done, and returns what each said.
  static func sync(
    _ village: Village, _ first: Village.Resident, _ second: Village.Resident, maximumMessageByteCount: Int = 65_535,
    rungs: Set<Rung> = Set(Rung.allCases), tamper: MemoryConnection.Tamper? = nil
  ) async throws -> (SyncOutcome, SyncOutcome) {
    let (near, far) = MemoryConnection.pair(maximumMessageByteCount: maximumMessageByteCount, tamper: tamper)
    async let firstOutcome = run(near, village, first, isInitiator: true, rungs)
    async let secondOutcome = run(far, village, second, isInitiator: false, rungs)
    return try await (firstOutcome, secondOutcome)
  }

  static func run(
    _ connection: any TransportConnection, _ village: Village, _ resident: Village.Resident, isInitiator: Bool,
    _ rungs: Set<Rung> = Set(Rung.allCases)
  ) async throws -> SyncOutcome {
    let establisher = SessionEstablisher(identity: resident.keyPair, clock: ContinuousClock())
    let session =
      isInitiator
      ? try await establisher.initiate(on: connection, with: village.syncKey)
      : try await establisher.respond(on: connection, with: [village.syncKey])
    let sync = PeerSync(
      session: session, store: resident.store, ownDevice: resident.device, ending: isInitiator ? .whenSettled : .never,
      rungs: rungs,
      clock: ContinuousClock())
    return await sync.run()
  }

  private func digests(_ residents: Village.Resident...) async throws -> Set<[UInt8]> {
    var digests: Set<[UInt8]> = []
    for resident in residents { digests.insert(try await resident.store.head().digest) }
    return digests
  }

  @Test(arguments: [(0, 0), (1, 0), (0, 1), (300, 0), (0, 300), (250, 40), (2500, 1800)], [65_535, 600])
  func bothSidesEndEqual(counts: (Int, Int), maximumMessageByteCount: Int) async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(counts.0, at: 0)
    try await village.write(counts.1, at: 1)
    let (first, second) = try await Self.sync(village, a, b, maximumMessageByteCount: maximumMessageByteCount)
    #expect(try await digests(a, b).count == 1)
    #expect(first.isInStep)
    #expect(second.isInStep && second.end.code == .closed)
    #expect(first.progress.receivedCount == counts.1)
    #expect(second.progress.receivedCount == counts.0)
    #expect(first.missingCount == 0 && second.missingCount == 0)
  }

  @Test func aSecondSyncTransfersNothing() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(400, at: 0)
    _ = try await Self.sync(village, a, b)
    let (first, second) = try await Self.sync(village, b, a)
    #expect(first.isInStep && second.isInStep)
    #expect(first.progress.receivedCount == 0 && second.progress.receivedCount == 0)
    let traffic = first.traffic
    #expect(traffic.sentMessageCount + traffic.receivedMessageCount <= 3)
    #expect(traffic.sentByteCount + traffic.receivedByteCount <= 500)
  }

  /// Also over a link that is faster than whoever sends: what is at hand goes out together.
  @Test func entriesShareTheirPackets() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(1000, at: 0)
    let (first, second) = try await Self.sync(village, a, b)
    #expect(second.progress.receivedCount == 1000)
    #expect(first.traffic.sentMessageCount <= 60)
  }

  @Test func editsOnBothSidesMeet() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(200, at: 0)
    _ = try await Self.sync(village, a, b)
    try await village.write(1, at: 0)
    try await village.write(1, at: 1)
    let (first, second) = try await Self.sync(village, a, b)
    #expect(try await digests(a, b).count == 1)
    #expect(first.progress.receivedCount == 1 && second.progress.receivedCount == 1)
    // Only what is new is listed: the first meeting's cursor was kept.
    #expect(first.traffic.sentByteCount + first.traffic.receivedByteCount < 2000)
  }

  @Test func aBaseIsKeptOnlyOfWhatBothHold() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(150, at: 0)
    try await village.write(30, at: 1)
    let (first, second) = try await Self.sync(village, a, b)
    #expect(first.isInStep && second.isInStep && second.progress.offeredCount == 0)
    let (here, there) = (try await a.store.bases(with: b.device), try await b.store.bases(with: a.device))
    #expect(here.count == 1 && here.map(\.digest) == there.map(\.digest))
    #expect(here.map(\.digest) == [try await a.store.head().digest])

    // One side forgets a document, the other writes: they end apart, and nothing of that becomes a base.
    let listing = try #require(
      try await a.store.scan(since: nil, limit: 1, filter: EntryFilter(kinds: [.documentChange])).listings.first)
    let header = try #require(try await a.store.headers([listing.id])[listing.id])
    #expect(try await a.store.purge(document: header.document, in: header.database) == 1)
    try await village.write(5, at: 1)
    let (apart, other) = try await Self.sync(village, a, b)
    #expect(apart.isSettledApart && !apart.isInStep && !other.isInStep)
    #expect(apart.progress.receivedCount == 5)
    #expect(try await a.store.bases(with: b.device) == here)
    #expect(try await b.store.bases(with: a.device) == there)
    // Forgetting it there too makes them equal again.
    #expect(try await b.store.purge(document: header.document, in: header.database) == 1)
    let (again, _) = try await Self.sync(village, b, a)
    #expect(again.isInStep && again.progress.receivedCount == 0)
    #expect(try await a.store.bases(with: b.device).count == 2)
  }

  @Test func largeEntriesAreNamedAndFetched() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(60, at: 0)
    for _ in 0..<20 { try await village.write(1, at: 0, contentByteCount: 40_000) }
    for _ in 0..<3 { try await village.write(1, at: 1, contentByteCount: 300_000) }
    let (first, second) = try await Self.sync(village, a, b, maximumMessageByteCount: 4096)
    #expect(first.isInStep && second.isInStep)
    #expect(first.progress.receivedCount == 3 && second.progress.receivedCount == 80)
    #expect(try await digests(a, b).count == 1)
  }

  @Test(arguments: Rung.allCases)
  func everyRungAloneGivesTheSame(rung: Rung) async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(300, at: 0)
    _ = try await b.store.pull(from: a.store)
    try await village.write(150, at: 0)
    try await village.write(120, at: 1)
    let (first, _) = try await Self.sync(village, a, b, rungs: [rung])
    #expect(first.isInStep)
    #expect(try await digests(a, b).count == 1)
  }

  @Test func aRelayedGrantProvesMembership() async throws {
    let village = try await Village.make(memberCount: 1)
    let newcomer = Village.Resident(keyPair: SigningKeyPair(), store: InMemoryStore(workspace: village.workspace))
    _ = try await village.grant(newcomer.device)
    _ = try await newcomer.store.pull(from: village.founder.store)
    // The member has not heard of the newcomer, who brings the grant along.
    let (first, second) = try await Self.sync(village, newcomer, village.residents[1])
    #expect(first.isInStep && second.isInStep)
  }

  @Test func aStrangerWithTheKeyIsRefused() async throws {
    let village = try await Village.make(memberCount: 1)
    try await village.write(20, at: 0)
    let stranger = Village.Resident(keyPair: SigningKeyPair(), store: InMemoryStore(workspace: village.workspace))
    let (first, second) = try await Self.sync(village, stranger, village.founder)
    #expect(second.end.code == .notAMember)
    #expect(!first.isInStep && first.progress.receivedCount == 0)
    #expect(try await stranger.store.head().entryCount == 0)
  }

  @Test func aRevokedMemberIsRefused() async throws {
    let village = try await Village.make(memberCount: 1)
    _ = try await village.founder.store.append(
      [village.draft(.revoke(device: village.residents[1].device, lastEntry: .zero, lastSequences: [:]))],
      signedBy: village.founder.keyPair)
    try await village.write(20, at: 0)
    let before = try await village.residents[1].store.head()
    let (first, second) = try await Self.sync(village, village.residents[1], village.founder)
    #expect(second.end.code == .notAMember)
    #expect(first.end.code == .refused)
    #expect(try await village.residents[1].store.head() == before)
  }

  @Test func aCutSyncGoesOnWhereItStopped() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(3000, at: 0, contentByteCount: 200)
    var received = 0
    for cut in [6, 9, 14, 25, 40, 70, 1_000_000] {
      let (_, second) = try await Self.sync(village, a, b) { index, message in index < cut ? message : nil }
      received += second.progress.receivedCount
    }
    #expect(received == 3000)
    #expect(try await digests(a, b).count == 1)
  }

  @Test func anAlteredMessageEndsTheSession() async throws {
    let village = try await Village.make(memberCount: 1)
    let (a, b) = (village.residents[0], village.residents[1])
    try await village.write(300, at: 0)
    let before = try await b.store.head()
    let (_, second) = try await Self.sync(village, a, b) { index, message in
      guard index == 2 else { return message }
      var altered = message
      altered[altered.count / 2] ^= 1
      return altered
    }
    #expect(second.end.code == .protocolViolation)
    #expect(try await b.store.head() == before)
  }
}
