import FieldCore
import FieldWire
import GRDB

/// Keeps a relay's store within its ``FieldCore/StoreQuota``, inside of one transaction.
///
/// For an entry that is over a bound, payloads are dropped, headers stay: so the set of entries is the same as before,
/// peers do not bring the entry again, and whoever asks for the payload gets it elsewhere.
/// Payloads go in the order of their arrival:
///
/// 1. first those that nobody needs any more: every member has acknowledged them;
/// 2. then those that some member has acknowledged that neither wrote nor brought them;
/// 3. others only where the quota says so. Without that, the new entry is refused.
///
/// A device has acknowledged what it brought, and everything up to the last time that both stores held the same
/// (``BaseTable``). Another relay's word does not count: what it holds may be headers alone, and two relays would drop
/// the same payload because of each other. Directory entries are never dropped or refused.
///
/// What was found to stay is not looked at again for the next entry, see ``QuotaProgress``.
struct QuotaKeeper {
  /// For the next transaction, once this one has ended well.
  private(set) var progress: QuotaProgress
  private let database: Database
  private let quota: StoreQuota
  /// Read when they are needed first, which is when the transaction's directory entries are in.
  private var acknowledgements: Acknowledgements?

  /// How much more is dropped than is needed at once, as a part of the bound, so that one look through serves many.
  private static let slackDivisor: UInt64 = 16

  /// `nil` where there is no quota.
  init?(_ database: Database, after progress: QuotaProgress) throws {
    guard let quota = try QuotaTable(database: database).quota() else { return nil }
    self.database = database
    self.quota = quota
    self.progress = progress
  }

  /// Makes room for an entry.
  ///
  /// - Parameter client: Who brings it; `nil` for this device.
  /// - Returns: Why there is none.
  mutating func noRoom(
    for header: EntryHeader, from client: DeviceKey?, _ directory: Directory, in batch: inout EntryBatch
  ) throws -> EntryError.Code? {
    var bounds: [(key: UsageTable.Key, limit: UInt64, code: EntryError.Code)] = []
    if let limit = quota.authorByteCount { bounds.append((.author(header.author), limit, .authorQuota)) }
    if let limit = quota.clientByteCount, let client { bounds.append((.client(client), limit, .clientQuota)) }
    if let limit = quota.totalByteCount { bounds.append((.total, limit, .storeFull)) }
    let size = UInt64(header.encodedByteCount + EntryLimits.signatureByteCount) + UInt64(header.payloadByteCount)
    for (key, limit, code) in bounds {
      let used = try batch.usage.byteCount(of: key)
      guard used + size > limit else { continue }
      let excess = used + size - limit
      let isFree = try drop(
        excess, wishing: excess + limit / Self.slackDivisor, of: key, try acknowledgements(directory), in: &batch)
      if !isFree { return code }
    }
    return nil
  }

  private mutating func acknowledgements(_ directory: Directory) throws -> Acknowledgements {
    if let acknowledgements { return acknowledgements }
    let read = try Acknowledgements(directory, in: database)
    progress.follow(read)
    acknowledgements = read
    return read
  }

  /// - Returns: Whether at least `needed` bytes are free now.
  private mutating func drop(
    _ needed: UInt64, wishing wished: UInt64, of key: UsageTable.Key, _ acknowledged: Acknowledgements,
    in batch: inout EntryBatch
  ) throws -> Bool {
    var freed: UInt64 = 0
    for need in [QuotaProgress.Need.nobody, .somebody, .unknown] where need != .unknown || quota.dropsUnacknowledged {
      // Beyond what is needed only what nobody misses goes.
      let goal = need == .nobody ? wished : needed
      guard freed < goal else { break }
      for id in try candidates(of: key, need, freeing: goal - freed, acknowledged, through: batch.arrival) {
        freed += UInt64(try batch.drop(id))
      }
    }
    return freed >= needed
  }

  /// - Parameter end: The newest arrival.
  private mutating func candidates(
    of key: UsageTable.Key, _ need: QuotaProgress.Need, freeing goal: UInt64, _ acknowledged: Acknowledgements,
    through end: UInt64
  ) throws -> [EntryID] {
    var found: [EntryID] = []
    var byteCount: UInt64 = 0
    let columns = "SELECT entry.id, entry.header, entry.arrival, source.device"
    let joined = "FROM entry LEFT JOIN source ON source.key = entry.source"
    let order = "ORDER BY entry.arrival"
    let (condition, values): (String, [SQLValue]) =
      switch key {
      case .total: ("", [])
      // The plus keeps SQLite from the index, in which all entries of the author would be looked at.
      case .author(let device): ("AND +substr(entry.header, 35, 32) = ?", [.identifier(device)])
      case .client(let device): ("AND source.device = ?", [.identifier(device)])
      }
    let sql =
      "\(columns) \(joined) WHERE entry.arrival > ? AND entry.payload > 0 AND entry.database <> ? \(condition) \(order)"
    let start: [SQLValue] = [.integer(progress[key, need]), .identifier(Directory.database)]
    var place = end
    try KeptStatement(sql, in: database).forEachRow(start + values) { row in
      progress.lookedAtCount += 1
      let header = try EntryTable.header(row.bytes(1))
      let arrival = row.count(2)
      let source: DeviceKey? = try row.isNull(3) ? nil : row.identifier(3)
      let isWanted =
        switch need {
        case .nobody: acknowledged.isNeededByNobody(arrival: arrival, author: header.author, source: source)
        case .somebody: acknowledged.isElsewhere(arrival: arrival, author: header.author, source: source)
        case .unknown: true
        }
      guard isWanted, header.payloadByteCount > 0 else { return true }
      found.append(try row.identifier(0))
      byteCount += UInt64(header.payloadByteCount)
      guard byteCount >= goal else { return true }
      place = arrival
      return false
    }
    progress[key, need] = place
    return found
  }
}
