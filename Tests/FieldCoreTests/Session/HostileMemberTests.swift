import FieldCore
import FieldWire
import SetReconciliation
import Sodium
import Testing

/// A member's store that hands out one entry altered.
private struct LyingStore: ContentAddressedStore {
  let honest: InMemoryStore
  let target: EntryID
  let alter: @Sendable (Entry) -> Entry?

  var workspace: WorkspaceID { honest.workspace }

  func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] {
    let target = target
    let alter = alter
    let workspace = workspace
    return try await honest.entries(ids).compactMap { $0.header.id(in: workspace) == target ? alter($0) : $0 }
  }

  func put(_ entries: [Entry]) async throws(StoreError) -> [PutOutcome] { try await honest.put(entries) }
  func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] { try await honest.headers(ids) }
  func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> { try await honest.contained(ids) }
  func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    try await honest.scan(since: cursor, limit: limit, filter: filter)
  }
  func head() async throws(StoreError) -> StoreHead { try await honest.head() }
  func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError) -> BloomSummary {
    try await honest.bloomSummary(of: scope, key: key, bitsPerEntry: bitsPerEntry)
  }
  func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError) -> [EntryID] {
    try await honest.dependencies(of: start, stoppingAt: stop, maximumDepth: maximumDepth)
  }
  func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int { 0 }
}

@Suite struct HostileMemberTests {
  typealias Lie = (name: String, refusal: EntryError.Code?, alter: @Sendable (Entry) -> Entry?)

  /// Each kind of lie, and how it is refused; `nil` where what comes is not what was asked for.
  private static let lies: [Lie] = [
    ("nothing at all", nil, { _ in nil }),
    ("another payload", .contentMismatch, { entry in changed(entry) { $0.payload[0] ^= 1 } }),
    ("a longer payload", .malformed, { entry in changed(entry) { $0.payload.append(0) } }),
    ("another signature", .badSignature, { entry in changed(entry) { $0.signature[63] ^= 1 } }),
    ("another sequence", nil, { entry in changed(entry) { $0.header.sequence += 1 } }),
    ("another document", nil, { entry in changed(entry) { $0.header.document = DocumentID(words: (1, 1)) } }),
    ("another author", nil, { entry in changed(entry) { $0.header.author = DeviceKey(words: (1, 1, 1, 1)) } }),
    ("another epoch", nil, { entry in changed(entry) { $0.header.keyEpoch += 1 } }),
    ("another previous entry", nil, { entry in changed(entry) { $0.header.previous = EntryID(words: (1, 1, 1, 1)) } }),
    (
      "other dependencies", nil, { entry in changed(entry) { $0.header.dependencies = [EntryID(words: (1, 1, 1, 1))] } }
    ),
  ]

  private static func changed(_ entry: Entry, _ change: (inout Entry) -> Void) -> Entry {
    var entry = entry
    change(&entry)
    return entry
  }

  @Test(arguments: lies.indices)
  func aWrongEntryIsRefusedAndTheRestGoesThrough(index: Int) async throws {
    let lie = Self.lies[index]
    let village = try await Village.make(memberCount: 1)
    try await village.write(40, at: 0)
    let (source, sink) = (village.residents[0].store, village.residents[1].store)
    let listings = try await source.scan(since: nil, limit: 100, filter: EntryFilter(kinds: [.documentChange])).listings
    let target = listings[17].id
    let liar = LyingStore(honest: source, target: target, alter: lie.alter)
    let report = try await sink.pull(from: liar)
    #expect(report.storedCount == 39, "\(lie.name)")
    #expect(try await sink.contained([target]).isEmpty)
    if let refusal = lie.refusal {
      #expect(report.refusals == [refusal: 1], "\(lie.name)")
    } else {
      #expect(report.missingCount + report.refusedCount == 1, "\(lie.name)")
    }
    // Nothing of it stands in the way of the honest one.
    let honest = try await sink.pull(from: source)
    #expect(honest.storedCount == 1)
    #expect(try await sink.head().digest == source.head().digest)
  }
}
