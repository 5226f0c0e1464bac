import FieldCore
import FieldWire
import GRDB

/// The end of each author's chain in each database.
struct ChainTable {
  let database: Database

  func link(author: DeviceKey, database id: DatabaseID) throws -> ChainLink? {
    try KeptStatement("SELECT sequence, id FROM chain WHERE author = ? AND database = ?", in: database)
      .first(.identifier(author), .identifier(id)) { row in
        ChainLink(sequence: try row.withBytes(0, Self.sequence), id: try row.identifier(1))
      }
  }

  func lastSequences(of author: DeviceKey) throws -> [DatabaseID: UInt64] {
    var sequences: [DatabaseID: UInt64] = [:]
    try KeptStatement("SELECT database, sequence FROM chain WHERE author = ?", in: database)
      .forEachRow([.identifier(author)]) { row in
        sequences[try row.identifier(0)] = try row.withBytes(1, Self.sequence)
        return true
      }
    return sequences
  }

  func known() throws -> KnownChains {
    var chains = KnownChains(ends: [:], isComplete: true)
    try KeptStatement("SELECT author, database, sequence FROM chain LIMIT ?", in: database)
      .forEachRow([.integer(Int64(KnownChains.limit + 1))]) { row in
        guard chains.ends.count < KnownChains.limit else {
          chains.isComplete = false
          return false
        }
        let chain = Chain(author: try row.identifier(0), database: try row.identifier(1))
        chains.ends[chain] = try row.withBytes(2, Self.sequence)
        return true
      }
    return chains
  }

  /// Sequence numbers are kept as they are in headers, big-endian, which SQLite orders as the numbers.
  func extend(author: DeviceKey, database id: DatabaseID, to link: ChainLink) throws {
    var sequence = WireWriter(capacity: 8)
    sequence.u64(link.sequence)
    let sql = """
      INSERT INTO chain (author, database, sequence, id) VALUES (?, ?, ?, ?)
      ON CONFLICT (author, database) DO UPDATE SET sequence = excluded.sequence, id = excluded.id
      WHERE excluded.sequence > sequence
      """
    try KeptStatement(sql, in: database).run(
      .identifier(author), .identifier(id), .bytes(sequence.bytes), .identifier(link.id))
  }

  private static func sequence(_ bytes: UnsafeRawBufferPointer) throws -> UInt64 {
    guard bytes.count == 8 else { throw StoreError(.damaged, "a sequence number of \(bytes.count) bytes") }
    return bytes.word(0)
  }
}
