public import FieldCore
public import FieldWire
import Foundation
import GRDB
public import SetReconciliation
import Synchronization

/// A workspace's entries in an SQLite file, in its write-ahead-log mode: one writer and several readers at a time, in
/// as many processes as there are.
///
/// | table | what is in it | who writes it |
/// | --- | --- | --- |
/// | `store` | one row: the workspace, and the epoch, random, of this life of the contents | ``init(path:workspace:options:)``, ``beginEpoch()`` |
/// | `entry` | by arrival: id, encoded header, signature, the row of the payload and that of the source; the columns `database`, `document` and `content` are computed from the header | put, append, purge |
/// | `payload` | the bytes, once for each content hash; a relay may have dropped them, see ``FieldCore/StoreQuota`` | with `entry` |
/// | `source` | stores that entries were received from | put |
/// | `total` | for each database, and under the empty key for the workspace: newest arrival ever given, count, ``SetDigest`` state | in the transaction that changes `entry` |
/// | `chain` | the end of each author's chain in each database, also when that entry was purged | put, append |
/// | `aside` | entries that the directory does not admit any more, outside of everything above | with `entry`, when the directory changes |
/// | `purged` | documents that are refused | purge |
/// | `quota`, `usage` | what a relay keeps to, and entries and bytes of each author and from each device | ``setQuota(_:)``; with `entry` |
/// | `partial`, `partialPiece` | what has come of large payloads that are not complete, by content hash | ``keep(_:)``; put takes it out |
/// | `peer` | how far each peer was pulled from | ``setPeerRecord(_:of:)`` |
/// | `base` | sets that each peer and this store have both held | ``addBase(_:with:)`` |
///
/// The arrival counter is the workspace's row of `total`, so it never goes back. Every write is one immediate
/// transaction, in which the counter, the directory and the author's chain are read anew; so processes agree on all
/// three, and entries become visible in the order of their arrival. It is on disk (`synchronous = FULL`) before the
/// call returns: a crash loses what was not acknowledged, as a whole, and nothing else.
///
/// Verification runs before the transaction, admission against the directory inside it. Directory entries are verified
/// again when they are read: a changed file makes no member.
///
/// A call that was started runs to its end even when its task is cancelled.
public final class SQLiteStore: LocalStore {
  public let workspace: WorkspaceID
  let pool: DatabasePool
  let feed: ChangeFeed
  let wallClock: @Sendable () -> Duration
  private let isClosed = Mutex(false)
  private let knownDirectory: Mutex<KnownDirectory>
  /// As of the last transaction that went well.
  let quotaProgress = Mutex(QuotaProgress())

  /// The directory as of an arrival.
  struct KnownDirectory {
    var directory: Directory
    var arrival: UInt64 = 0
  }

  /// Opens the file, or creates it, for its owner alone to read.
  ///
  /// - Throws: ``StoreError``: `otherWorkspace`, `newerVersion`, `damaged`, `busy`, `cannotWrite`.
  public init(path: String, workspace: WorkspaceID, options: Options = Options()) throws(StoreError) {
    let pool = try storeErrors { try StoreSchema.open(path: path, workspace: workspace, options: options) }
    // What is wrong with the file shows at the first call that needs it.
    try? pool.writeWithoutTransaction { try PartialTable(database: $0).evict(now: options.wallClock()) }
    self.workspace = workspace
    self.pool = pool
    wallClock = options.wallClock
    knownDirectory = Mutex(KnownDirectory(directory: Directory(workspace: workspace)))
    feed = ChangeFeed(
      interval: options.pollInterval, clock: options.clock,
      head: { try? await pool.run { try TotalTable(database: $0).head() } },
      dataVersion: {
        try? await pool.runOnWriter { try KeptStatement("PRAGMA data_version", in: $0).first { $0.integer(0) } }
      })
  }

  deinit {
    feed.finish()
  }

  /// Ends the change streams, waits for the calls that run, and closes the file. Later calls throw `closed`.
  public func close() async throws(StoreError) {
    guard
      isClosed.withLock({ isClosed in
        defer { isClosed = true }
        return !isClosed
      })
    else { return }
    feed.finish()
    let result = await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [pool] in
        continuation.resume(returning: Result { try pool.close() })
      }
    }
    try storeErrors { try result.get() }
  }

  // MARK: Reading

  public func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] {
    try StoreLimits.checkIDCount(ids.count)
    return try await read { database in
      let table = EntryTable(database: database)
      var entries: [Entry] = []
      var byteCount = 0
      for id in ids {
        guard let entry = try table.entry(id) else { continue }
        byteCount += entry.encodedByteCount
        if byteCount > StoreLimits.batchByteCount, !entries.isEmpty { break }
        entries.append(entry)
      }
      return entries
    }
  }

  public func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] {
    try StoreLimits.checkIDCount(ids.count)
    return try await read { database in
      try ids.reduce(into: [:]) { $0[$1] = try EntryTable(database: database).header($1) }
    }
  }

  public func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> {
    try StoreLimits.checkIDCount(ids.count)
    return try await read { database in
      Set(try ids.filter { try EntryTable(database: database).contains($0) })
    }
  }

  public func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    try StoreLimits.checkIDCount(limit)
    return try await read { database in
      let totals = TotalTable(database: database)
      let epoch = try totals.epoch()
      let start = cursor.map { $0.epoch == epoch ? $0.arrival : 0 } ?? 0
      let (listings, stop) = try EntryTable(database: database)
        .scan(after: start, limit: max(1, limit), filter: filter)
      let end = try stop ?? filter.end(after: start, of: totals.arrival())
      return ScanPage(listings: listings, next: StoreCursor(epoch: epoch, arrival: end), hasMore: stop != nil)
    }
  }

  public func listings(of ids: [EntryID]) async throws(StoreError) -> [EntryListing] {
    try StoreLimits.checkIDCount(ids.count)
    return try await read { database in
      let table = EntryTable(database: database)
      return try ids.compactMap { try table.listing($0) }.sorted { $0.arrival < $1.arrival }
    }
  }

  public func head() async throws(StoreError) -> StoreHead {
    try await read { try TotalTable(database: $0).head() }
  }

  public func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError)
    -> BloomSummary
  {
    try await read { database in
      let table = EntryTable(database: database)
      let totals = TotalTable(database: database)
      let count =
        switch scope {
        case .workspace: try totals.entryCount(of: nil)
        case .database(let id): try totals.entryCount(of: id)
        case .document(let id, let document): try table.count(of: document, in: id)
        }
      var summary = BloomSummary(entryCount: count, bitsPerEntry: bitsPerEntry, key: key)
      try table.forEachID(in: scope) { summary.insert($0.words) }
      return summary
    }
  }

  public func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError)
    -> [EntryID]
  {
    try StoreLimits.checkDepth(maximumDepth)
    return try await read { database in
      let table = EntryTable(database: database)
      return try DependencyWalk.ids(from: start, stoppingAt: stop, maximumDepth: maximumDepth) { id in
        try table.header(id).map { ($0.kind, $0.dependencies) }
      }
    }
  }

  public func directory() async throws(StoreError) -> Directory {
    let known = try await read { [self] in try directory(as: $0) }
    remember(known)
    return known.directory
  }

  public func databases() async throws(StoreError) -> [DatabaseID: StoreHead] {
    try await read { try TotalTable(database: $0).databases() }
  }

  public func changes() -> AsyncStream<StoreHead> { feed.listen() }

  public func entry(
    withContent hash: ContentHash, in database: DatabaseID, by author: DeviceKey?
  ) async throws(StoreError) -> EntryID? {
    try await read { try EntryTable(database: $0).firstEntry(withContent: hash, in: database, by: author) }
  }

  public func lastSequences(of author: DeviceKey) async throws(StoreError) -> [DatabaseID: UInt64] {
    try await read { try ChainTable(database: $0).lastSequences(of: author) }
  }

  public func peerRecord(of device: DeviceKey) async throws(StoreError) -> PeerRecord? {
    try await read { try PeerTable(database: $0).record(of: device) }
  }

  public func knownChains() async throws(StoreError) -> KnownChains {
    try await read { try ChainTable(database: $0).known() }
  }

  public func payload(of content: ContentHash) async throws(StoreError) -> [UInt8]? {
    try await read { try EntryTable(database: $0).payload(of: content) }
  }

  public func partialPayload(of content: ContentHash) async throws(StoreError) -> [UInt8] {
    try await read { try PartialTable(database: $0).bytes(of: content) }
  }

  public func bases(with device: DeviceKey) async throws(StoreError) -> [BaseRecord] {
    try await read { try BaseTable(database: $0).bases(with: device) }
  }

  public func pass<State: Sendable>(
    over scope: ArrivalScope, into state: State, _ absorb: @escaping @Sendable (inout State, [EntryID]) -> Void
  ) async throws(StoreError) -> State {
    try await read { database in
      var state = state
      try EntryTable(database: database).forEachPiece(of: scope) { absorb(&state, $0) }
      return state
    }
  }

  public func count(in scope: ArrivalScope) async throws(StoreError) -> UInt64 {
    try await read { try EntryTable(database: $0).count(in: scope) }
  }

  // MARK: Access to the file

  /// What `body` reads is of one moment.
  func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StoreError) -> Value {
    try checkIsOpen()
    return try await pool.run(body)
  }

  /// Runs `body` in one immediate transaction; when it throws, nothing changes.
  func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StoreError) -> Value
  {
    try checkIsOpen()
    return try await pool.runOnWriter { [self] database in
      // A call that was waiting when the store closed finds no connection.
      try checkIsOpen()
      var value: Value?
      try database.inTransaction(.immediate) {
        value = try body(database)
        return .commit
      }
      guard let value else { throw StoreError(.closed, "the transaction did not run") }
      return value
    }
  }

  /// Runs `body`, which writes nothing to this file, on the writer's connection.
  func writeOutsideTransaction(_ body: @escaping @Sendable (Database) throws -> Void) async throws(StoreError) {
    try checkIsOpen()
    try await pool.runOnWriter { [self] database in
      try checkIsOpen()
      try body(database)
    }
  }

  private func checkIsOpen() throws(StoreError) {
    if isClosed.withLock({ $0 }) { throw StoreError(.closed, "the store was closed") }
  }

  /// The directory as of the transaction that `database` is in: what was known, and what came since.
  func directory(as database: Database) throws -> KnownDirectory {
    var known = knownDirectory.withLock { $0 }
    try EntryTable(database: database).forEachEntry(in: Directory.database, after: known.arrival) { entry, arrival in
      do {
        try known.directory.insert(VerifiedEntry(verifying: entry, in: workspace))
      } catch {
        throw StoreError(.damaged, "a directory entry on disk: \(error)")
      }
      known.arrival = arrival
      return true
    }
    known.directory.evaluate()
    return known
  }

  /// To be called once the transaction that `known` was made in has ended well.
  func remember(_ known: KnownDirectory) {
    knownDirectory.withLock { if known.arrival > $0.arrival { $0 = known } }
  }
}
