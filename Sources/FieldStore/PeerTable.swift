import FieldCore
import FieldWire
import GRDB

/// What is remembered of peers between sessions.
struct PeerTable {
  let database: Database

  func record(of device: DeviceKey) throws -> PeerRecord? {
    try KeptStatement("SELECT epoch, arrival, arrival IS NULL FROM peer WHERE device = ?", in: database)
      .first(.identifier(device)) { row in
        guard row.integer(2) == 0 else { return PeerRecord() }
        return PeerRecord(pulledThrough: StoreCursor(epoch: row.epoch(0), arrival: row.count(1)))
      }
  }

  func set(_ record: PeerRecord, of device: DeviceKey) throws {
    let sql = """
      INSERT INTO peer (device, epoch, arrival) VALUES (?, ?, ?)
      ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch, arrival = excluded.arrival
      """
    let cursor = record.pulledThrough
    try KeptStatement(sql, in: database).run(
      .identifier(device), cursor.map { .epoch($0.epoch) } ?? .null,
      cursor.map { .integer($0.arrival) } ?? .null)
  }
}
