import FieldCore
import FieldWire
import GRDB

/// Arrival counter, count and digest of each database and of the whole workspace.
struct TotalTable {
  let database: Database

  /// A row's key. The workspace's is empty, which no database's is.
  private static func scope(_ id: DatabaseID?) -> SQLValue { .bytes(id?.bytes ?? []) }

  /// What one transaction changes in one scope.
  struct Change {
    var added = 0
    var digest = SetDigest()

    mutating func insert(_ id: EntryID) {
      added += 1
      digest.insert(id)
    }

    mutating func remove(_ id: EntryID) {
      added -= 1
      digest.remove(id)
    }

    mutating func add(_ other: Change) {
      added += other.added
      digest.add(other.digest)
    }
  }

  func epoch() throws -> StoreEpoch {
    let epoch = try KeptStatement("SELECT epoch FROM store", in: database).first { $0.epoch(0) }
    guard let epoch else { throw StoreError(.damaged, "the store has no epoch") }
    return epoch
  }

  func head() throws -> StoreHead {
    let epoch = try epoch()
    guard let head = try row(nil)?.head(epoch) else { throw StoreError(.damaged, "the store has no totals") }
    return head
  }

  /// The newest arrival that was given.
  func arrival() throws -> UInt64 {
    let arrival = try KeptStatement("SELECT arrival FROM total WHERE scope = x''", in: database).first { $0.count(0) }
    guard let arrival else { throw StoreError(.damaged, "the store has no totals") }
    return arrival
  }

  func entryCount(of id: DatabaseID?) throws -> Int {
    let count = try KeptStatement("SELECT entryCount FROM total WHERE scope = ?", in: database)
      .first(Self.scope(id)) { $0.integer(0) }
    return Int(count ?? 0)
  }

  func databases() throws -> [DatabaseID: StoreHead] {
    let epoch = try epoch()
    var heads: [DatabaseID: StoreHead] = [:]
    let sql = "SELECT arrival, entryCount, digest, scope FROM total WHERE scope <> x'' AND entryCount > 0"
    try KeptStatement(sql, in: database).forEachRow([]) { row in
      heads[try row.identifier(3)] = try Row(row).head(epoch)
      return true
    }
    return heads
  }

  func digest(of id: DatabaseID?) throws -> (entryCount: UInt64, digest: SetDigest)? {
    try row(id).map { ($0.entryCount, $0.digest) }
  }

  /// - Parameter arrival: The scope's newest; `nil` where none came.
  func apply(_ change: Change, to id: DatabaseID?, arrival: UInt64?) throws {
    let old = try row(id)
    var digest = old?.digest ?? SetDigest()
    digest.add(change.digest)
    let (count, isOver) = Int64(clamping: old?.entryCount ?? 0).addingReportingOverflow(Int64(change.added))
    guard !isOver, count >= 0 else { throw StoreError(.damaged, "the count of entries is wrong") }
    let sql = """
      INSERT INTO total (scope, arrival, entryCount, digest) VALUES (?, ?, ?, ?)
      ON CONFLICT (scope) DO UPDATE
      SET arrival = excluded.arrival, entryCount = excluded.entryCount, digest = excluded.digest
      """
    try KeptStatement(sql, in: database).run(
      Self.scope(id), .integer(arrival ?? old?.arrival ?? 0), .integer(count), .bytes(digest.state))
  }

  private func row(_ id: DatabaseID?) throws -> Row? {
    try KeptStatement("SELECT arrival, entryCount, digest FROM total WHERE scope = ?", in: database)
      .first(Self.scope(id)) { try Row($0) }
  }

  private struct Row {
    var arrival: UInt64
    var entryCount: UInt64
    var digest: SetDigest

    /// From columns arrival, entryCount, digest.
    init(_ row: ResultRow) throws {
      guard let digest = SetDigest(state: row.bytes(2)) else {
        throw StoreError(.damaged, "a digest of the wrong size")
      }
      arrival = row.count(0)
      entryCount = row.count(1)
      self.digest = digest
    }

    func head(_ epoch: StoreEpoch) -> StoreHead {
      StoreHead(epoch: epoch, arrival: arrival, entryCount: entryCount, digest: digest.value)
    }
  }
}
