import FieldCore
import FieldWire
import GRDB

/// The stores that entries were received from, each under a small number that `entry` rows name.
struct SourceTable {
  let database: Database

  func key(of source: EntrySource) throws -> Int64? {
    try KeptStatement("SELECT key FROM source WHERE device = ? AND epoch = ?", in: database)
      .first(.identifier(source.device), .epoch(source.epoch)) { $0.integer(0) }
  }

  func device(_ key: Int64) throws -> DeviceKey? {
    try KeptStatement("SELECT device FROM source WHERE key = ?", in: database)
      .first(.integer(key)) { try $0.identifier(0) }
  }

  func insertedKey(of source: EntrySource) throws -> Int64 {
    if let key = try key(of: source) { return key }
    try KeptStatement("INSERT INTO source (device, epoch) VALUES (?, ?)", in: database)
      .run(.identifier(source.device), .epoch(source.epoch))
    return database.lastInsertedRowID
  }
}
