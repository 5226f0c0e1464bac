import FieldCore
import GRDB

/// What the store keeps to, see ``FieldCore/StoreQuota``.
struct QuotaTable {
  let database: Database

  func quota() throws -> StoreQuota? {
    try KeptStatement("SELECT total, author, client, dropsUnacknowledged FROM quota", in: database).first { row in
      let bounds: [UInt64?] = [Int32(0), 1, 2].map { row.isNull($0) ? nil : row.count($0) }
      return StoreQuota(
        totalByteCount: bounds[0], authorByteCount: bounds[1], clientByteCount: bounds[2],
        dropsUnacknowledged: row.integer(3) != 0)
    }
  }

  func set(_ quota: StoreQuota?) throws {
    try KeptStatement("DELETE FROM quota", in: database).run()
    guard let quota else { return }
    let bounds = [quota.totalByteCount, quota.authorByteCount, quota.clientByteCount].map { bound in
      bound.map { SQLValue.integer($0) } ?? .null
    }
    let sql = "INSERT INTO quota (one, total, author, client, dropsUnacknowledged) VALUES (1, ?, ?, ?, ?)"
    try KeptStatement(sql, in: database).run(
      bounds[0], bounds[1], bounds[2], .integer(Int64(quota.dropsUnacknowledged ? 1 : 0)))
  }
}
