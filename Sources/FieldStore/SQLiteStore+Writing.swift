public import FieldCore
public import FieldWire
import GRDB
public import Sodium
import Synchronization

extension SQLiteStore {
  public func put(_ entries: [Entry], from source: EntrySource?) async throws(StoreError) -> [PutOutcome] {
    try StoreLimits.checkPut(entryCount: entries.count, byteCount: entries.reduce(0) { $0 + $1.encodedByteCount })
    return try await put(verification: EntryVerification.results(of: entries, in: workspace), from: source)
  }

  /// The second half of ``put(_:from:)``: admission and storing.
  package func put(
    verification: [Result<VerifiedEntry, EntryError>], from source: EntrySource? = nil
  )
    async throws(StoreError) -> [PutOutcome]
  {
    let (outcomes, known, progress) = try await write { [self] database in
      var known = try directory(as: database)
      var batch = try EntryBatch(database, from: source)
      var keeper = try QuotaKeeper(database, after: quotaProgress.withLock { $0 })
      let table = EntryTable(database: database)
      let purged = PurgedTable(database: database)
      let outcomes = try EntryIntake.outcomes(
        of: verification, directory: &known.directory, isPresent: { try table.contains($0) },
        isPurged: { try purged.contains($0.document, in: $0.database) },
        noRoom: { try keeper?.noRoom(for: $0, from: source?.device, $1, in: &batch) },
        insert: { try batch.insert($0) },
        readmit: { try AsideTable(database: database).readmit($0, $1, in: &batch) })
      try batch.finish()
      return (outcomes, known, keeper?.progress)
    }
    remember(progress)
    if outcomes.contains(.stored) {
      remember(known)
      feed.signal()
    }
    return outcomes
  }

  public func append(
    _ drafts: [EntryDraft], signedBy keyPair: SigningKeyPair
  ) async throws(StoreError)
    -> [VerifiedEntry]
  {
    try StoreLimits.checkPut(entryCount: drafts.count, byteCount: drafts.reduce(0) { $0 + $1.payload.count })
    guard let author = DeviceKey(keyPair.publicKey) else { throw StoreError(.refused, "a key of the wrong size") }
    let entries = try await write { [self] database in
      var known = try directory(as: database)
      let before = known.directory
      var batch = try EntryBatch(database, from: nil)
      let purged = PurgedTable(database: database)
      var entries: [VerifiedEntry] = []
      for draft in drafts {
        let link = try batch.link(author: author, database: draft.database)
        let isPurged = try purged.contains(draft.document, in: draft.database)
        do throws(EntryError) {
          let entry = try draft.sign(with: keyPair, following: link, in: workspace)
          try EntryIntake.admitOwn(entry, to: &known.directory, isPurged: isPurged)
          entries.append(entry)
        } catch {
          throw StoreError(refusing: error)
        }
        try batch.insert(entries[entries.count - 1])
      }
      let authors = known.directory.authorsAdmittedOtherwise(than: before)
      if !authors.isEmpty { try AsideTable(database: database).readmit(authors, known.directory, in: &batch) }
      try batch.finish()
      return entries
    }
    if !entries.isEmpty { feed.signal() }
    return entries
  }

  public func purge(document: DocumentID, in scope: DatabaseID) async throws(StoreError) -> Int {
    guard document != .zero else {
      throw StoreError(.refused, "directory entries and blob chunks belong to no document")
    }
    let count = try await write { database in
      let removed = try EntryTable(database: database).delete(document: document, in: scope)
      var change = TotalTable.Change()
      var usage = UsageTable.Batch(UsageTable(database: database))
      for entry in removed {
        change.remove(entry.id)
        try usage.remove(entry, entries: 1)
      }
      try usage.finish()
      if !removed.isEmpty {
        try TotalTable(database: database).apply(change, to: scope, arrival: nil)
        try TotalTable(database: database).apply(change, to: nil, arrival: nil)
      }
      try PurgedTable(database: database).insert(document, in: scope)
      return removed.count
    }
    if count > 0 { feed.signal() }
    return count
  }

  public func keep(_ piece: PartialPiece) async throws(StoreError) {
    try await write { [wallClock] in try PartialTable(database: $0).keep(piece, now: wallClock()) }
  }

  /// What this store keeps to from now on, in every process; `nil` is no bound.
  public func setQuota(_ quota: StoreQuota?) async throws(StoreError) {
    try await write { try QuotaTable(database: $0).set(quota) }
  }

  public func quota() async throws(StoreError) -> StoreQuota? {
    try await read { try QuotaTable(database: $0).quota() }
  }

  public func usage() async throws(StoreError) -> StoreUsage {
    try await read { try UsageTable(database: $0).usage() }
  }

  public func makeRoom(
    for header: EntryHeader, from source: EntrySource?
  ) async throws(StoreError) -> EntryError.Code? {
    guard try await quota() != nil else { return nil }
    let (code, progress) = try await write { [self] database -> (EntryError.Code?, QuotaProgress?) in
      guard var keeper = try QuotaKeeper(database, after: quotaProgress.withLock { $0 }) else { return (nil, nil) }
      var batch = try EntryBatch(database, from: nil)
      let directory = try directory(as: database).directory
      let code = try keeper.noRoom(for: header, from: source?.device, directory, in: &batch)
      try batch.finish()
      return (code, keeper.progress)
    }
    remember(progress)
    return code
  }

  private func remember(_ progress: QuotaProgress?) {
    if let progress { quotaProgress.withLock { $0 = progress } }
  }

  public func dropPartial(of content: ContentHash) async throws(StoreError) {
    try await write { try PartialTable(database: $0).drop(content) }
  }

  public func setPeerRecord(_ record: PeerRecord, of device: DeviceKey) async throws(StoreError) {
    try await write { try PeerTable(database: $0).set(record, of: device) }
  }

  public func addBase(_ base: BaseRecord, with device: DeviceKey) async throws(StoreError) {
    try await write { try BaseTable(database: $0).add(base, with: device) }
  }

  /// Writes everything that is here, as of one moment, to a new SQLite file, while others go on reading and writing. An
  /// empty file may be there already.
  ///
  /// What was opened from such a copy has to begin a new epoch, and no author may go on with its chain in both.
  public func snapshot(to path: String) async throws(StoreError) {
    try await writeOutsideTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
  }

  /// Brings everything that was written into the one file, and empties the log beside it: before the file is moved or
  /// copied by itself.
  ///
  /// - Throws: ``StoreError`` with `busy` when another process reads or writes.
  public func gather() async throws(StoreError) {
    try await writeOutsideTransaction { database in
      guard try Int.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)") == 0 else {
        throw StoreError(.busy, "another process uses the store")
      }
    }
  }

  /// Starts a new epoch, so that no peer's cursor means anything any more: for a file that was restored from a copy,
  /// whose arrivals were given a second time since.
  public func beginEpoch() async throws(StoreError) {
    try await write { database in
      try KeptStatement("UPDATE store SET epoch = ?", in: database).run(
        .integer(Int64.random(in: Int64.min...Int64.max)))
    }
    feed.signal()
  }
}
