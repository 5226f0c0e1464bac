import FieldCore
import FieldWire
import GRDB

/// Entries and bytes of the whole store, of each author, and of what each device brought, as a quota counts them.
struct UsageTable {
  let database: Database

  enum Key: Hashable {
    case total
    case author(DeviceKey)
    case client(DeviceKey)

    fileprivate var columns: (kind: Int64, device: [UInt8]) {
      switch self {
      case .total: (0, [])
      case .author(let device): (1, device.bytes)
      case .client(let device): (2, device.bytes)
      }
    }
  }

  /// What one transaction changes.
  struct Batch {
    private let table: UsageTable
    private var changes: [Key: (entries: Int64, bytes: Int64)] = [:]

    init(_ table: UsageTable) {
      self.table = table
    }

    /// As of this point of the transaction.
    func byteCount(of key: Key) throws -> UInt64 {
      UInt64(clamping: Int64(clamping: try table.amount(of: key).byteCount) + (changes[key]?.bytes ?? 0))
    }

    mutating func add(entries: Int, bytes: Int, author: DeviceKey, client: DeviceKey?) throws {
      for key in [.total, .author(author)] + (client.map { [.client($0)] } ?? []) as [Key] {
        changes[key, default: (0, 0)].entries += Int64(entries)
        changes[key]?.bytes += Int64(bytes)
      }
    }

    mutating func remove(_ removed: EntryTable.Removed, entries: Int) throws {
      let client = try removed.source.flatMap { try SourceTable(database: table.database).device($0) }
      try add(entries: -entries, bytes: -removed.byteCount, author: removed.author, client: client)
    }

    func finish() throws {
      for (key, change) in changes { try table.apply(change, to: key) }
    }
  }

  func usage() throws -> StoreUsage {
    var usage = StoreUsage()
    try KeptStatement("SELECT kind, device, entryCount, byteCount FROM usage", in: database).forEachRow([]) { row in
      let amount = StoreUsage.Amount(entryCount: row.count(2), byteCount: row.count(3))
      switch row.integer(0) {
      case 0: usage.total = amount
      case 1: usage.authors[try row.identifier(1)] = amount
      default: usage.clients[try row.identifier(1)] = amount
      }
      return true
    }
    usage.droppedCount =
      try KeptStatement("SELECT COUNT(*) FROM entry WHERE payload = \(EntryTable.dropped)", in: database)
      .first { $0.count(0) } ?? 0
    return usage
  }

  fileprivate func amount(of key: Key) throws -> StoreUsage.Amount {
    let (kind, device) = key.columns
    return try KeptStatement("SELECT entryCount, byteCount FROM usage WHERE kind = ? AND device = ?", in: database)
      .first(.integer(kind), .bytes(device)) { StoreUsage.Amount(entryCount: $0.count(0), byteCount: $0.count(1)) }
      ?? StoreUsage.Amount()
  }

  fileprivate func apply(_ change: (entries: Int64, bytes: Int64), to key: Key) throws {
    let (kind, device) = key.columns
    let sql = """
      INSERT INTO usage (kind, device, entryCount, byteCount) VALUES (?, ?, ?, ?)
      ON CONFLICT (kind, device) DO UPDATE
      SET entryCount = entryCount + excluded.entryCount, byteCount = byteCount + excluded.byteCount
      """
    try KeptStatement(sql, in: database).run(
      .integer(kind), .bytes(device), .integer(change.entries), .integer(change.bytes))
  }
}
