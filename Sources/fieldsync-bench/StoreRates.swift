import FieldCore
import FieldStore
import FieldWire
import Foundation
import GRDBSQLite
import Sodium

/// A store on disk against SQLite's own calls doing the same rows: what verification, the contract and Swift cost.
struct StoreRates {
  /// Signatures and hashes checked a second, on one core.
  var verified = 0.0
  /// Entries a second into the store, in batches: all of it, and without the verification.
  var put = 0.0
  var putVerified = 0.0
  /// The same rows through SQLite's calls, prepared once, in transactions of the same size, as durable.
  var putRaw = 0.0
  /// Listings a second from a scan in full pages, and the same columns through SQLite's calls.
  var scanned = 0.0
  var scannedRaw = 0.0
  /// Entries a second in fetches.
  var fetched = 0.0

  static let batchEntryCount = 500

  /// - Parameter payloadByteCount: of each entry, as stored.
  static func measure(entryCount: Int, payloadByteCount: Int) async throws -> StoreRates {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fieldsync-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = { (name: String) in folder.appendingPathComponent(name).path }

    let founder = SigningKeyPair()
    guard let founderKey = DeviceKey(founder.publicKey), let database = DatabaseID(SystemRandom.bytes(16)) else {
      throw CocoaError(.featureUnsupported)
    }
    let nonce = SystemRandom.bytes(DirectoryOperation.foundingNonceByteCount)
    let workspace = Directory.workspaceID(founder: founderKey, nonce: nonce)
    let operation = DirectoryOperation.found(nonce: nonce, sealedKeys: [], sealedName: [])
    let founding = try EntryDraft(
      kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded
    ).sign(with: founder, following: nil, in: workspace)
    var link: ChainLink?
    let entries = try (0..<entryCount).map { _ in
      let document = DocumentID(SystemRandom.bytes(16)) ?? .zero
      let draft = EntryDraft(
        kind: .documentChange, database: database, document: document, keyEpoch: 1,
        payload: SystemRandom.bytes(payloadByteCount), dependencies: link.map { [$0.id] } ?? [])
      let signed = try draft.sign(with: founder, following: link, in: workspace)
      link = ChainLink(sequence: signed.header.sequence, id: signed.id)
      return signed.entry
    }
    let batches = stride(from: 0, to: entryCount, by: batchEntryCount).map {
      Array(entries[$0..<min($0 + batchEntryCount, entryCount)])
    }

    var rates = StoreRates()
    var verified: [[VerifiedEntry]] = []
    rates.verified = try await rate(of: entryCount) {
      verified = try batches.map { try $0.map { try VerifiedEntry(verifying: $0, in: workspace) } }
    }
    let store = try SQLiteStore(path: path("whole"), workspace: workspace)
    _ = try await store.put([founding.entry])
    rates.put = try await rate(of: entryCount) {
      for batch in batches { _ = try await store.put(batch) }
    }
    rates.fetched = try await rate(of: entryCount) {
      for batch in verified { _ = try await store.entries(batch.map(\.id)) }
    }
    let second = try SQLiteStore(path: path("verified"), workspace: workspace)
    _ = try await second.put([founding.entry])
    // The same tables and indexes.
    try await SQLiteStore(path: path("raw"), workspace: workspace).close()
    let raw = try RawEntryTable(path: path("raw"))
    // In turns here and below: a machine's speed changes while it measures.
    var putTime = Duration.zero
    var rawPutTime = Duration.zero
    for batch in verified {
      putTime += try await time { _ = try await second.put(verification: batch.map { .success($0) }) }
      rawPutTime += try await time { try raw.insert(batch) }
    }
    rates.putVerified = rate(of: entryCount, in: putTime)
    rates.putRaw = rate(of: entryCount, in: rawPutTime)
    let turns = 5
    var scanTime = Duration.zero
    var rawScanTime = Duration.zero
    for _ in 0..<turns {
      scanTime += try await time {
        var cursor: StoreCursor?
        var hasMore = true
        while hasMore {
          let page = try await store.scan(since: cursor, limit: StoreLimits.idCount, filter: EntryFilter())
          (cursor, hasMore) = (page.next, page.hasMore)
        }
      }
      rawScanTime += try await time {
        guard try raw.scan() == entryCount else { throw CocoaError(.coderInvalidValue) }
      }
    }
    rates.scanned = rate(of: turns * entryCount, in: scanTime)
    rates.scannedRaw = rate(of: turns * entryCount, in: rawScanTime)
    return rates
  }

  private static func rate(of count: Int, _ body: () async throws -> Void) async throws -> Double {
    rate(of: count, in: try await time(body))
  }

  private static func rate(of count: Int, in time: Duration) -> Double { Double(count) / (time / .seconds(1)) }

  private static func time(_ body: () async throws -> Void) async throws -> Duration {
    try await ContinuousClock().measure(body)
  }
}

/// The store's entry and payload tables, through SQLite's calls alone.
private final class RawEntryTable {
  private let connection: OpaquePointer
  private let insertPayload: OpaquePointer
  private let insertEntry: OpaquePointer
  private let select: OpaquePointer
  private var arrival: Int64 = 0

  init(path: String) throws {
    var connection: OpaquePointer?
    guard sqlite3_open(path, &connection) == SQLITE_OK, let connection else { throw CocoaError(.fileReadUnknown) }
    self.connection = connection
    func prepare(_ sql: String) throws -> OpaquePointer {
      var statement: OpaquePointer?
      guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
        throw CocoaError(.fileReadUnknown)
      }
      return statement
    }
    sqlite3_exec(connection, "PRAGMA synchronous = FULL; PRAGMA cache_size = 1024", nil, nil, nil)
    insertPayload = try prepare("INSERT INTO payload (bytes) VALUES (?)")
    insertEntry = try prepare("INSERT INTO entry (arrival, id, header, signature, payload) VALUES (?, ?, ?, ?, ?)")
    select = try prepare("SELECT arrival, id, header FROM entry ORDER BY arrival")
  }

  deinit {
    for statement in [insertPayload, insertEntry, select] { sqlite3_finalize(statement) }
    sqlite3_close(connection)
  }

  func insert(_ entries: [VerifiedEntry]) throws {
    sqlite3_exec(connection, "BEGIN IMMEDIATE", nil, nil, nil)
    for entry in entries {
      arrival += 1
      bind(entry.entry.payload, 1, insertPayload)
      try run(insertPayload)
      sqlite3_bind_int64(insertEntry, 1, arrival)
      bind(entry.id.bytes, 2, insertEntry)
      bind(entry.header.encoded, 3, insertEntry)
      bind(entry.entry.signature, 4, insertEntry)
      sqlite3_bind_int64(insertEntry, 5, sqlite3_last_insert_rowid(connection))
      try run(insertEntry)
    }
    guard sqlite3_exec(connection, "COMMIT", nil, nil, nil) == SQLITE_OK else { throw CocoaError(.fileWriteUnknown) }
  }

  /// Copies each row's columns out.
  func scan() throws -> Int {
    var count = 0
    var byteCount = 0
    while sqlite3_step(select) == SQLITE_ROW {
      count += sqlite3_column_int64(select, 0) > 0 ? 1 : 0
      byteCount += copy(1).count + copy(2).count
    }
    sqlite3_reset(select)
    return byteCount > 0 ? count : 0
  }

  private func copy(_ column: Int32) -> [UInt8] {
    Array(
      UnsafeRawBufferPointer(
        start: sqlite3_column_blob(select, column), count: Int(sqlite3_column_bytes(select, column))))
  }

  private func bind(_ bytes: [UInt8], _ index: Int32, _ statement: OpaquePointer) {
    // SQLITE_TRANSIENT, a cast that Swift does not import.
    let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), copied)
  }

  private func run(_ statement: OpaquePointer) throws {
    guard sqlite3_step(statement) == SQLITE_DONE else { throw CocoaError(.fileWriteUnknown) }
    sqlite3_reset(statement)
  }
}
