import FieldTesting
import FieldWire
import SetReconciliation
import Testing

@testable import FieldCore

/// A store that has nothing but heads, and any number of them, for whoever asks for the directory.
private struct HeadStore: ContentAddressedStore {
  let workspace: WorkspaceID
  let heads: [EntryID: EntryHead]

  init(workspace: WorkspaceID, count: UInt64) {
    self.workspace = workspace
    let heads = (1...count).map { sequence in
      EntryHead(
        header: EntryHeader(
          kind: .directory, database: .zero, document: .zero, author: .zero, sequence: sequence, previous: .zero,
          keyEpoch: 0, contentHash: .zero, payloadByteCount: 20_000, dependencies: []), signature: [])
    }
    self.heads = Dictionary(uniqueKeysWithValues: heads.map { ($0.header.id(in: workspace), $0) })
  }

  func pull(_ query: PullQuery, body: (PulledItem) async throws(StoreError) -> Void) async throws(StoreError) {
    let ids = query.filter.kinds == nil ? [] : Array(heads.keys)
    for start in stride(from: 0, through: ids.count, by: StoreLimits.idCount) {
      let page = ids[start..<min(start + StoreLimits.idCount, ids.count)]
      let listings = page.map { EntryListing(id: $0, kind: .directory, byteCount: 20_000, arrival: 1) }
      let next = StoreCursor(epoch: StoreEpoch(rawValue: 1), arrival: UInt64(start) + 1)
      try await body(.page(ScanPage(listings: listings, next: next, hasMore: page.count == StoreLimits.idCount)))
    }
  }

  func fetch(
    _ ids: [EntryID], inlineByteCount: Int, body: (ReceivedEntry) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    for head in ids.compactMap({ heads[$0] }) { try await body(.head(head)) }
  }

  func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] { [] }
  func put(_ entries: [Entry]) async throws(StoreError) -> [PutOutcome] { [] }
  func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] { [:] }
  func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> { [] }
  func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    throw StoreError(.refused, "nothing to scan")
  }
  func head() async throws(StoreError) -> StoreHead { throw StoreError(.refused, "no head") }
  func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError) -> BloomSummary { throw StoreError(.refused, "no summary") }
  func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError) -> [EntryID] { [] }
  func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int { 0 }
}

@Suite struct HeadLimitTests {
  /// How many heads come is the source's to say: they are passed on before they are many.
  @Test func headsOfTheDirectoryArePassedOnInTime() async throws {
    let workspace = WorkspaceID.zero
    let counts = Monitor<[Int]>([])
    _ = try await EntryPull(
      from: HeadStore(workspace: workspace, count: 10_500), into: InMemoryStore(workspace: workspace)
    )
    .run(since: nil, deferring: { heads in counts.withLock { $0.append(heads.count) } })
    let passed = counts.withLock { $0 }
    #expect(passed.reduce(0, +) == 10_500)
    #expect(passed.allSatisfy { $0 <= EntryPull.headLimit + StoreLimits.idCount }, "\(passed)")
  }
}
