import FieldCore
import FieldStore
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// What every store on this machine keeps of payloads that have not come completely.
@Suite struct PartialPayloadTests {
  let workspace: TestWorkspace
  var author: TestAuthor

  init() throws {
    workspace = try TestWorkspace()
    author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
  }

  private func make(_ factory: StoreFactory) async throws -> StoreUnderTest {
    let made = try await factory.make(workspace.id)
    for entry in try workspace.directory(granting: [(author.keyPair, .member)]) {
      #expect(try await made.store.put([entry]) == [.stored])
    }
    return made
  }

  private mutating func blob() throws -> VerifiedEntry {
    try author.write(String(repeating: "well ", count: 20_000), kind: .blobChunk)
  }

  private func piece(_ entry: VerifiedEntry, _ range: Range<Int>) -> PartialPiece {
    PartialPiece(
      content: entry.header.contentHash, payloadByteCount: entry.entry.payload.count, offset: range.lowerBound,
      bytes: Array(entry.entry.payload[range]), source: author.key)
  }

  @Test(arguments: StoreFactory.all)
  mutating func piecesAddUpAndSurviveARestart(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let entry = try blob()
    let content = entry.header.contentHash
    #expect(try await made.local.partialPayload(of: content).isEmpty)
    try await made.local.keep(piece(entry, 0..<40_000))
    try await made.local.keep(piece(entry, 50_000..<60_000))
    try await made.local.keep(piece(entry, 40_000..<70_000))
    let reopened = try await made.reopen()
    #expect(try await reopened.partialPayload(of: content) == Array(entry.entry.payload[..<70_000]))
    // The entry takes its place, and then there is nothing to keep.
    #expect(try await reopened.payload(of: content) == nil)
    #expect(try await reopened.put([entry.entry]) == [.stored])
    #expect(try await reopened.partialPayload(of: content).isEmpty)
    try await reopened.keep(piece(entry, 0..<10))
    #expect(try await reopened.partialPayload(of: content).isEmpty)
    #expect(try await reopened.payload(of: content) == entry.entry.payload)
    #expect(try await reopened.knownChains().ends[entry.header.chain] == 1)
  }

  @Test(arguments: StoreFactory.all)
  mutating func beginningAnewForgetsWhatWasThere(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let entry = try blob()
    try await made.local.keep(piece(entry, 0..<500))
    try await made.local.keep(piece(entry, 500..<900))
    try await made.local.keep(piece(entry, 0..<20))
    #expect(try await made.local.partialPayload(of: entry.header.contentHash).count == 20)
    try await made.local.dropPartial(of: entry.header.contentHash)
    #expect(try await made.local.partialPayload(of: entry.header.contentHash).isEmpty)
    try await made.check()
  }

  @Test mutating func theyExpireWhenTheStoreOpens() async throws {
    let folder = try TemporaryFolder()
    let entry = try blob()
    func open(at time: Duration) throws -> SQLiteStore {
      try SQLiteStore(
        path: folder.path("store"), workspace: workspace.id, options: SQLiteStore.Options(wallClock: { time }))
    }
    let first = try open(at: .seconds(1_000_000))
    try await first.keep(piece(entry, 0..<500))
    try await first.close()
    let second = try open(at: .seconds(1_000_000) + PartialLimits.lifetime)
    #expect(try await second.partialPayload(of: entry.header.contentHash).count == 500)
    try await second.close()
    let third = try open(at: .seconds(1_000_001) + PartialLimits.lifetime)
    #expect(try await third.partialPayload(of: entry.header.contentHash).isEmpty)
  }
}
