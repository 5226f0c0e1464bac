import FieldCore
import FieldWire
import GRDB
import SetReconciliation

/// Entries and payloads as one transaction sees them.
struct EntryTable {
  let database: Database

  /// Rows that one scan looks at, at most, however few of them its filter lets through.
  static let scanRowLimit = 20_000

  func contains(_ id: EntryID) throws -> Bool {
    try KeptStatement("SELECT 1 FROM entry WHERE id = ?", in: database).first(.identifier(id)) { _ in true } ?? false
  }

  func header(_ id: EntryID) throws -> EntryHeader? {
    try KeptStatement("SELECT header FROM entry WHERE id = ?", in: database)
      .first(.identifier(id)) { try Self.header($0.bytes(0)) }
  }

  func listing(_ id: EntryID) throws -> EntryListing? {
    try KeptStatement("SELECT arrival, header FROM entry WHERE id = ?", in: database).first(.identifier(id)) { row in
      try row.withBytes(1) { try HeaderPeek($0) }.listing(of: id, arrival: row.count(0), filter: EntryFilter())
    } ?? nil
  }

  /// `nil` as well where the payload was dropped.
  func entry(_ id: EntryID) throws -> Entry? {
    let sql = """
      SELECT entry.header, entry.signature, payload.bytes FROM entry
      LEFT JOIN payload ON payload.key = entry.payload WHERE entry.id = ? AND entry.payload > 0
      """
    return try KeptStatement(sql, in: database).first(.identifier(id)) { try Self.entry($0) }
  }

  /// Goes through the entries of `scope` that arrived after `arrival`, in that order, until `body` returns `false`.
  func forEachEntry(in scope: DatabaseID, after arrival: UInt64, _ body: (Entry, UInt64) throws -> Bool) throws {
    let sql = """
      SELECT entry.header, entry.signature, payload.bytes, entry.arrival FROM entry
      LEFT JOIN payload ON payload.key = entry.payload
      WHERE entry.database = ? AND entry.arrival > ? ORDER BY entry.arrival
      """
    try KeptStatement(sql, in: database).forEachRow([.identifier(scope), .integer(arrival)]) { row in
      try body(try Self.entry(row), row.count(3))
    }
  }

  /// - Returns: The listings, and where the scan stopped; `nil` when it went through to the end.
  func scan(after start: UInt64, limit: Int, filter: EntryFilter) throws -> (listings: [EntryListing], stop: UInt64?) {
    let columns = "SELECT arrival, id, header, source FROM entry WHERE arrival > ? AND arrival < ?"
    var values: [SQLValue] = [.integer(start), .integer(filter.before ?? .max)]
    let sql: String
    switch filter.scope {
    case .workspace where filter.kinds == [.directory]:
      // The same entries, by their index.
      sql = columns + " AND database = ? ORDER BY arrival"
      values.append(.identifier(Directory.database))
    case .workspace:
      sql = columns + " ORDER BY arrival"
    case .database(let id):
      sql = columns + " AND database = ? ORDER BY arrival"
      values.append(.identifier(id))
    case .document(let id, let document):
      sql = columns + " AND database = ? AND document = ? ORDER BY arrival"
      values += [.identifier(id), .identifier(document)]
    }
    let source = try filter.notFrom.flatMap { try SourceTable(database: database).key(of: $0) }
    var listings: [EntryListing] = []
    var rowCount = 0
    var last = start
    var stop: UInt64?
    try KeptStatement(sql, in: database).forEachRow(values) { row in
      guard listings.count < limit, rowCount < Self.scanRowLimit else {
        stop = last
        return false
      }
      rowCount += 1
      last = row.count(0)
      if let source, row.integer(3) == source { return true }
      let id: EntryID = try row.identifier(1)
      if let listing = try row.withBytes(2, { try HeaderPeek($0) }).listing(of: id, arrival: last, filter: filter) {
        listings.append(listing)
      }
      return true
    }
    return (listings, stop)
  }

  func forEachID(in scope: EntryFilter.Scope, _ body: (EntryID) -> Void) throws {
    let visit = { (row: ResultRow) in
      body(try row.identifier(0))
      return true
    }
    switch scope {
    case .workspace:
      try KeptStatement("SELECT id FROM entry", in: database).forEachRow([], visit)
    case .database(let id):
      try KeptStatement("SELECT id FROM entry WHERE database = ?", in: database).forEachRow([.identifier(id)], visit)
    case .document(let id, let document):
      try KeptStatement("SELECT id FROM entry WHERE database = ? AND document = ?", in: database)
        .forEachRow([.identifier(id), .identifier(document)], visit)
    }
  }

  /// The ids of a scope, piece by piece. All of them are read from the index of the ids, which holds their arrivals and
  /// is a tenth of the table; a small scope goes by arrival.
  func forEachPiece(of scope: ArrivalScope, _ body: ([EntryID]) -> Void) throws {
    var piece: [EntryID] = []
    piece.reserveCapacity(StoreLimits.passPieceCount)
    let visit = { (row: ResultRow) in
      let arrival = row.count(1)
      guard arrival > scope.after, arrival <= scope.through else { return true }
      piece.append(try row.identifier(0))
      if piece.count == StoreLimits.passPieceCount {
        body(piece)
        piece.removeAll(keepingCapacity: true)
      }
      return true
    }
    if scope.after == 0 {
      try KeptStatement(Self.allIDs, in: database).forEachRow([], visit)
    } else {
      try KeptStatement("SELECT id, arrival FROM entry WHERE arrival > ? AND arrival <= ?", in: database)
        .forEachRow([.integer(scope.after), .integer(scope.through)], visit)
    }
    if !piece.isEmpty { body(piece) }
  }

  /// Answered by the index of the ids alone, which a test holds it to.
  static let allIDs = "SELECT id, arrival FROM entry"

  func count(in scope: ArrivalScope) throws -> UInt64 {
    try KeptStatement("SELECT COUNT(*) FROM entry WHERE arrival > ? AND arrival <= ?", in: database)
      .first(.integer(scope.after), .integer(scope.through)) { $0.count(0) } ?? 0
  }

  func count(of document: DocumentID, in scope: DatabaseID) throws -> Int {
    let count = try KeptStatement("SELECT COUNT(*) FROM entry WHERE database = ? AND document = ?", in: database)
      .first(.identifier(scope), .identifier(document)) { $0.integer(0) }
    return Int(count ?? 0)
  }

  func firstEntry(withContent hash: ContentHash, in scope: DatabaseID, by author: DeviceKey?) throws -> EntryID? {
    let sql = """
      SELECT id FROM entry WHERE content = ?1 AND database = ?2 AND (?3 IS NULL OR substr(header, 35, 32) = ?3)
      ORDER BY arrival LIMIT 1
      """
    return try KeptStatement(sql, in: database)
      .first(.identifier(hash), .identifier(scope), author.map { .identifier($0) } ?? .null) { try $0.identifier(0) }
  }

  func payload(of content: ContentHash) throws -> [UInt8]? {
    let sql = """
      SELECT payload.bytes FROM entry JOIN payload ON payload.key = entry.payload WHERE entry.content = ? LIMIT 1
      """
    return try KeptStatement(sql, in: database).first(.identifier(content)) { $0.bytes(0) }
  }

  func insert(_ verified: VerifiedEntry, arrival: UInt64, source: Int64?) throws {
    let entry = verified.entry
    let shared = try KeptStatement("SELECT payload FROM entry WHERE content = ? AND payload > 0 LIMIT 1", in: database)
      .first(.identifier(entry.header.contentHash)) { $0.integer(0) }
    if shared == nil {
      try KeptStatement("INSERT INTO payload (bytes) VALUES (?)", in: database).run(.bytes(entry.payload))
    }
    // Only of large payloads are there partial ones.
    if entry.payload.count > EntryPull.inlineByteCount {
      try PartialTable(database: database).drop(entry.header.contentHash)
    }
    try KeptStatement(
      "INSERT INTO entry (arrival, id, header, signature, payload, source) VALUES (?, ?, ?, ?, ?, ?)", in: database
    ).run(
      .integer(arrival), .identifier(verified.id), .bytes(entry.header.encoded), .bytes(entry.signature),
      .integer(shared ?? database.lastInsertedRowID), source.map { .integer($0) } ?? .null)
  }

  /// An entry that went, or whose payload did.
  struct Removed {
    var id: EntryID
    var author: DeviceKey
    var source: Int64?
    /// What is not kept any more.
    var byteCount: Int
  }

  func delete(document: DocumentID, in scope: DatabaseID) throws -> [Removed] {
    var ids: [EntryID] = []
    try KeptStatement("SELECT id FROM entry WHERE database = ? AND document = ?", in: database)
      .forEachRow([.identifier(scope), .identifier(document)]) { row in
        ids.append(try row.identifier(0))
        return true
      }
    return try ids.compactMap { try delete($0) }
  }

  /// The payload goes with the last entry that has it.
  @discardableResult
  func delete(_ id: EntryID) throws -> Removed? {
    guard let row = try row(id) else { return nil }
    try KeptStatement("DELETE FROM entry WHERE id = ?", in: database).run(.identifier(id))
    try deletePayload(row)
    let byteCount = row.header.encodedByteCount + EntryLimits.signatureByteCount + row.keptByteCount
    return Removed(id: id, author: row.header.author, source: row.source, byteCount: byteCount)
  }

  /// Keeps the header alone: the entry still counts as here, and its payload cannot be had any more.
  func drop(payloadOf id: EntryID) throws -> Removed? {
    guard let row = try row(id), row.payload > 0 else { return nil }
    try KeptStatement("UPDATE entry SET payload = \(Self.dropped) WHERE id = ?", in: database).run(.identifier(id))
    try deletePayload(row)
    return Removed(id: id, author: row.header.author, source: row.source, byteCount: row.keptByteCount)
  }

  /// In the place of a payload's key, where the payload was dropped.
  static let dropped: Int64 = 0

  private struct Kept {
    var payload: Int64
    var header: EntryHeader
    var source: Int64?

    var keptByteCount: Int { payload > 0 ? Int(header.payloadByteCount) : 0 }
  }

  private func row(_ id: EntryID) throws -> Kept? {
    try KeptStatement("SELECT payload, header, source FROM entry WHERE id = ?", in: database)
      .first(.identifier(id)) { row in
        Kept(
          payload: row.integer(0), header: try Self.header(row.bytes(1)),
          source: row.isNull(2) ? nil : row.integer(2))
      }
  }

  private func deletePayload(_ row: Kept) throws {
    guard row.payload > 0 else { return }
    let sql = """
      DELETE FROM payload WHERE key = ? AND NOT EXISTS (SELECT 1 FROM entry WHERE content = ? AND payload > 0)
      """
    try KeptStatement(sql, in: database).run(.integer(row.payload), .identifier(row.header.contentHash))
  }

  static func header(_ bytes: [UInt8]) throws -> EntryHeader {
    do {
      var reader = WireReader(bytes)
      let header = try EntryHeader(from: &reader)
      try reader.expectEnd()
      return header
    } catch {
      throw StoreError(.damaged, "a header on disk: \(error.reason)")
    }
  }

  /// From columns header, signature, payload.
  private static func entry(_ row: ResultRow) throws -> Entry {
    Entry(header: try header(row.bytes(0)), signature: row.bytes(1), payload: row.bytes(2))
  }
}

/// What a scan reads of an encoded header, at the offsets that ``EntryHeader`` states.
private struct HeaderPeek {
  private let kind: EntryKind
  private let author: DeviceKey
  private let byteCount: Int

  init(_ header: UnsafeRawBufferPointer) throws {
    guard header.count >= EntryLimits.fixedHeaderByteCount, let kind = EntryKind(rawValue: header[1]) else {
      throw StoreError(.damaged, "a header of \(header.count) bytes on disk")
    }
    self.kind = kind
    author = DeviceKey(words: (header.word(34), header.word(42), header.word(50), header.word(58)))
    let payloadByteCount = UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 142, as: UInt32.self))
    byteCount = header.count + EntryLimits.signatureByteCount + Int(payloadByteCount)
  }

  func listing(of id: EntryID, arrival: UInt64, filter: EntryFilter) -> EntryListing? {
    guard filter.admits(kind: kind, author: author, id: id) else { return nil }
    return EntryListing(id: id, kind: kind, byteCount: byteCount, arrival: arrival)
  }
}
