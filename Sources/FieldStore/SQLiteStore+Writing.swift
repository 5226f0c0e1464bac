public import FieldCore
public import FieldWire
import GRDB
public import Sodium

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
    let (outcomes, known) = try await write { [self] database in
      var known = try directory(as: database)
      var batch = try EntryBatch(database, from: source)
      let table = EntryTable(database: database)
      let purged = PurgedTable(database: database)
      let outcomes = try EntryIntake.outcomes(
        of: verification, directory: &known.directory, isPresent: { try table.contains($0) },
        isPurged: { try purged.contains($0.document, in: $0.database) }, insert: { try batch.insert($0) },
        readmit: { try AsideTable(database: database).readmit($0, $1, in: &batch) })
      try batch.finish()
      return (outcomes, known)
    }
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
      let ids = try EntryTable(database: database).delete(document: document, in: scope)
      var change = TotalTable.Change()
      for id in ids { change.remove(id) }
      if !ids.isEmpty {
        try TotalTable(database: database).apply(change, to: scope, arrival: nil)
        try TotalTable(database: database).apply(change, to: nil, arrival: nil)
      }
      try PurgedTable(database: database).insert(document, in: scope)
      return ids.count
    }
    if count > 0 { feed.signal() }
    return count
  }

  public func keep(_ piece: PartialPiece) async throws(StoreError) {
    try await write { [wallClock] in try PartialTable(database: $0).keep(piece, now: wallClock()) }
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
