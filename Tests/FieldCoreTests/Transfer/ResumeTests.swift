import FieldCore
import FieldTesting
import FieldWire
import Sodium
import Testing

@Suite struct ResumeTests {
  private static let blobByteCount = 200_000

  private func digests(_ village: Village) async throws -> Set<[UInt8]> {
    var digests: Set<[UInt8]> = []
    for resident in village.residents { digests.insert(try await resident.store.head().digest) }
    return digests
  }

  /// The store of the second resident while the first one sends it a blob over a connection that is cut.
  private func cutVillage(atMessage cut: Int) async throws -> (Village, VerifiedEntry) {
    let village = try await Village.make(memberCount: 1)
    let blob = try await village.writeBlob(Self.blobByteCount, at: 0)
    _ = try await PeerSyncTests.sync(
      village, village.residents[0], village.residents[1], maximumMessageByteCount: 4096
    ) { index, message in index < cut ? message : nil }
    return (village, blob)
  }

  @Test(arguments: [10, 20, 33, 48]) func aPayloadGoesOnWhereItWasCut(cut: Int) async throws {
    let (village, blob) = try await cutVillage(atMessage: cut)
    let store = village.residents[1].store
    let kept = try await store.partialPayload(of: blob.header.contentHash)
    #expect(kept.count > 0 && kept.count < Self.blobByteCount)
    #expect(blob.entry.payload.starts(with: kept))
    // Another kind of connection, with another message size.
    let (first, second) = try await PeerSyncTests.sync(village, village.residents[1], village.residents[0])
    #expect(first.isInStep && second.isInStep && first.progress.receivedCount == 1)
    #expect(try await digests(village).count == 1)
    #expect(second.progress.sentByteCount < blob.entry.payload.count - kept.count + 4000)
    #expect(try await store.partialPayload(of: blob.header.contentHash).isEmpty)
  }

  @Test(arguments: [false, true]) func aWrongPrefixCostsOnlyBytes(isHonestLength: Bool) async throws {
    let village = try await Village.make(memberCount: 1)
    let blob = try await village.writeBlob(Self.blobByteCount, at: 0)
    let (content, count) = (blob.header.contentHash, blob.entry.payload.count)
    let store = village.residents[1].store
    let wrong = [UInt8](repeating: 7, count: isHonestLength ? count : 50_000)
    try await store.keep(
      PartialPiece(content: content, payloadByteCount: count, offset: 0, bytes: wrong, source: .zero))
    let (first, _) = try await PeerSyncTests.sync(village, village.residents[1], village.residents[0])
    #expect(first.isInStep && first.refusals.isEmpty && first.missingCount == 0)
    #expect(try await digests(village).count == 1)
    #expect(try await store.partialPayload(of: content).isEmpty)
  }

  @Test func aPayloadThatIsHereIsNotFetched() async throws {
    let village = try await Village.make(memberCount: 1)
    let blob = try await village.writeBlob(Self.blobByteCount, at: 0)
    _ = try await PeerSyncTests.sync(village, village.residents[0], village.residents[1])
    let again = EntryDraft(kind: .blobChunk, database: village.database, keyEpoch: 1, payload: blob.entry.payload)
    _ = try await village.founder.store.append([again], signedBy: village.founder.keyPair)
    let (first, _) = try await PeerSyncTests.sync(village, village.residents[0], village.residents[1])
    #expect(first.isInStep && first.progress.sentByteCount < 1000)
  }

  @Test func piecesThatDoNotGoOnAreLeftOut() async throws {
    let store = InMemoryStore(workspace: .zero)
    func piece(_ offset: Int, _ bytes: [UInt8]) -> PartialPiece {
      PartialPiece(content: .zero, payloadByteCount: 10, offset: offset, bytes: bytes, source: .zero)
    }
    try await store.keep(piece(0, [1, 2, 3]))
    try await store.keep(piece(4, [9]))
    try await store.keep(piece(3, [4, 5]))
    try await store.keep(piece(5, [UInt8](repeating: 0, count: 6)))
    #expect(try await store.partialPayload(of: .zero) == [1, 2, 3, 4, 5])
    try await store.keep(piece(0, [8]))
    #expect(try await store.partialPayload(of: .zero) == [8])
    try await store.dropPartial(of: .zero)
    #expect(try await store.partialPayload(of: .zero).isEmpty)
  }

  private func kept(_ number: UInt64, _ source: UInt64, _ byteCount: Int, _ hours: Int) -> PartialLimits.Kept {
    PartialLimits.Kept(
      content: ContentHash(words: (0, 0, 0, number)), source: DeviceKey(words: (0, 0, 0, source)),
      byteCount: byteCount, touched: .seconds(hours * 3600))
  }

  @Test func whoSendsMuchLosesHisOwn() {
    let mebibyte = 1 << 20
    let flood = (0..<40).map { kept(UInt64($0) + 100, 1, mebibyte, $0) }
    let honest = (0..<10).map { kept(UInt64($0), 2, mebibyte, 0) }
    let evicted = Set(PartialLimits.evicted(of: honest + flood, now: .seconds(40 * 3600)))
    #expect(honest.allSatisfy { !evicted.contains($0.content) })
    #expect(evicted.count == 25 && evicted.contains(flood[0].content) && !evicted.contains(flood[39].content))
    // Small ones are bounded in number.
    let crumbs = (0..<20_000).map { kept(UInt64($0), 1, 1, 1) }
    #expect(crumbs.count - PartialLimits.evicted(of: crumbs, now: .zero).count < 5000)
    // Many devices together.
    let crowd = (0..<100).map { kept(UInt64($0), UInt64($0), mebibyte, $0 % 7) }
    #expect(crowd.count - PartialLimits.evicted(of: crowd, now: .zero).count == 63)
  }

  @Test func oldOnesExpire() {
    let partials = [kept(1, 1, 5, 0), kept(2, 1, 5, 100), kept(3, 1, 5, 9000)]
    #expect(PartialLimits.evicted(of: partials, now: .seconds(200 * 3600)).count == 2, "one old, one of the future")
    #expect(PartialLimits.evicted(of: Array(partials.prefix(2)), now: .seconds(100 * 3600)).isEmpty)
  }

  @Test func expiredPartialsGoWithTheNextOne() async throws {
    let clock = ManualTime()
    let store = InMemoryStore(workspace: .zero, now: { clock.now })
    let old = ContentHash(words: (1, 1, 1, 1))
    try await store.keep(
      PartialPiece(content: old, payloadByteCount: 9, offset: 0, bytes: [1], source: .zero))
    clock.now = PartialLimits.lifetime + .seconds(1)
    try await store.keep(
      PartialPiece(content: .zero, payloadByteCount: 9, offset: 0, bytes: [1], source: .zero))
    #expect(try await store.partialPayload(of: old).isEmpty)
    #expect(try await store.partialPayload(of: .zero) == [1])
  }
}
