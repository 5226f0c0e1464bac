import FieldCore
import GRDB

/// The sets that this store and a peer's have both held.
struct BaseTable {
  let database: Database

  /// Newest first. Those of another epoch of this store mean nothing any more.
  func bases(with device: DeviceKey) throws -> [BaseRecord] {
    let epoch = try TotalTable(database: database).epoch()
    var bases: [BaseRecord] = []
    let sql = """
      SELECT entryCount, digest, ownArrival, peerEpoch, peerArrival FROM base
      WHERE device = ? AND ownEpoch = ? ORDER BY key DESC
      """
    try KeptStatement(sql, in: database).forEachRow([.identifier(device), .epoch(epoch)]) { row in
      bases.append(
        BaseRecord(
          entryCount: row.count(0), digest: row.bytes(1), own: StoreCursor(epoch: epoch, arrival: row.count(2)),
          peer: StoreCursor(epoch: row.epoch(3), arrival: row.count(4))))
      return true
    }
    return bases
  }

  /// Up to which arrival each device has held everything that is here.
  func newestArrivals() throws -> [DeviceKey: UInt64] {
    var arrivals: [DeviceKey: UInt64] = [:]
    try KeptStatement("SELECT device, MAX(ownArrival) FROM base WHERE ownEpoch = ? GROUP BY device", in: database)
      .forEachRow([.epoch(try TotalTable(database: database).epoch())]) { row in
        arrivals[try row.identifier(0)] = row.count(1)
        return true
      }
    return arrivals
  }

  func add(_ base: BaseRecord, with device: DeviceKey) throws {
    try KeptStatement("DELETE FROM base WHERE device = ? AND (digest = ? OR ownEpoch <> ?)", in: database)
      .run(.identifier(device), .bytes(base.digest), .epoch(base.own.epoch))
    let sql = """
      INSERT INTO base (device, entryCount, digest, ownEpoch, ownArrival, peerEpoch, peerArrival)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """
    try KeptStatement(sql, in: database).run(
      .identifier(device), .integer(base.entryCount), .bytes(base.digest), .epoch(base.own.epoch),
      .integer(base.own.arrival), .epoch(base.peer.epoch), .integer(base.peer.arrival))
    let rest = """
      DELETE FROM base WHERE device = ?1
      AND key NOT IN (SELECT key FROM base WHERE device = ?1 ORDER BY key DESC LIMIT \(StoreLimits.baseCount))
      """
    try KeptStatement(rest, in: database).run(.identifier(device))
  }
}
