import FieldCore
import FieldWire
import GRDB

/// Payloads that have not come completely: `partial` says what there is of each, `partialPiece` holds the bytes.
struct PartialTable {
  let database: Database

  func bytes(of content: ContentHash) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try KeptStatement("SELECT offset, bytes FROM partialPiece WHERE content = ? ORDER BY offset", in: database)
      .forEachRow([.identifier(content)]) { row in
        guard row.integer(0) == Int64(bytes.count) else { return false }
        bytes += row.bytes(1)
        return true
      }
    return bytes
  }

  /// Takes a piece that begins a payload or goes on where it ends; any other is left out. Then what is over the limits
  /// goes.
  func keep(_ piece: PartialPiece, now: Duration) throws {
    let end = piece.offset + piece.bytes.count
    guard end <= piece.payloadByteCount, piece.payloadByteCount <= EntryLimits.payloadByteCount else { return }
    let isThere = try KeptStatement("SELECT 1 FROM entry WHERE content = ? LIMIT 1", in: database)
      .first(.identifier(piece.content)) { _ in true }
    guard isThere == nil else { return }
    if piece.offset == 0 {
      try drop(piece.content)
    } else {
      let isNext =
        try KeptStatement("SELECT byteCount, payloadByteCount FROM partial WHERE content = ?", in: database)
        .first(.identifier(piece.content)) { row in
          row.integer(0) == Int64(piece.offset) && row.integer(1) == Int64(piece.payloadByteCount)
        }
      guard isNext == true else { return }
    }
    let sql = """
      INSERT INTO partial (content, source, payloadByteCount, byteCount, touched) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (content) DO UPDATE
      SET source = excluded.source, byteCount = excluded.byteCount, touched = excluded.touched
      """
    try KeptStatement(sql, in: database).run(
      .identifier(piece.content), .identifier(piece.source), .integer(Int64(piece.payloadByteCount)),
      .integer(Int64(end)), .integer(now.components.seconds))
    try KeptStatement("INSERT INTO partialPiece (content, offset, bytes) VALUES (?, ?, ?)", in: database)
      .run(.identifier(piece.content), .integer(Int64(piece.offset)), .bytes(piece.bytes))
    try evict(now: now)
  }

  func drop(_ content: ContentHash) throws {
    try KeptStatement("DELETE FROM partial WHERE content = ?", in: database).run(.identifier(content))
    try KeptStatement("DELETE FROM partialPiece WHERE content = ?", in: database).run(.identifier(content))
  }

  /// Drops what is too old or over a limit of ``PartialLimits``.
  func evict(now: Duration) throws {
    var kept: [PartialLimits.Kept] = []
    try KeptStatement("SELECT content, source, byteCount, touched FROM partial", in: database).forEachRow([]) { row in
      kept.append(
        PartialLimits.Kept(
          content: try row.identifier(0), source: try row.identifier(1), byteCount: Int(row.integer(2)),
          touched: .seconds(row.integer(3))))
      return true
    }
    for content in PartialLimits.evicted(of: kept, now: now) { try drop(content) }
  }
}
