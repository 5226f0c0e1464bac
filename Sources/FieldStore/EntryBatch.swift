import FieldCore
import FieldWire
import GRDB

/// The entries that one transaction writes, with the totals and chains that change with them.
struct EntryBatch {
  private let entries: EntryTable
  private let totals: TotalTable
  private let chains: ChainTable
  private let source: Int64?
  private let client: DeviceKey?
  var usage: UsageTable.Batch
  /// The newest one so far.
  private(set) var arrival: UInt64
  private var changes: [DatabaseID: (change: TotalTable.Change, arrival: UInt64?)] = [:]
  private var links: [Chain: ChainLink] = [:]

  /// - Parameter source: Where the entries came from; `nil` for this device's own.
  init(_ database: Database, from source: EntrySource?) throws {
    entries = EntryTable(database: database)
    totals = TotalTable(database: database)
    chains = ChainTable(database: database)
    self.source = try source.map { try SourceTable(database: database).insertedKey(of: $0) }
    client = source?.device
    usage = UsageTable.Batch(UsageTable(database: database))
    arrival = try totals.arrival()
  }

  /// The end of a chain, the batch's own entries included.
  func link(author: DeviceKey, database: DatabaseID) throws -> ChainLink? {
    try links[Chain(author: author, database: database)] ?? chains.link(author: author, database: database)
  }

  mutating func insert(_ entry: VerifiedEntry) throws { try insert(entry, from: source, client: client) }

  /// - Parameter source: Where it came from once, as in ``SourceTable``.
  mutating func insert(_ entry: VerifiedEntry, from source: Int64?) throws {
    try insert(entry, from: source, client: source.flatMap { try SourceTable(database: entries.database).device($0) })
  }

  private mutating func insert(_ entry: VerifiedEntry, from source: Int64?, client: DeviceKey?) throws {
    let header = entry.header
    try usage.add(entries: 1, bytes: entry.entry.encodedByteCount, author: header.author, client: client)
    arrival += 1
    try entries.insert(entry, arrival: arrival, source: source)
    changes[header.database, default: (TotalTable.Change(), arrival)].change.insert(entry.id)
    changes[header.database]?.arrival = arrival
    let chain = header.chain
    if header.sequence > links[chain]?.sequence ?? 0 {
      links[chain] = ChainLink(sequence: header.sequence, id: entry.id)
    }
  }

  /// An entry is not there any more.
  mutating func remove(_ removed: EntryTable.Removed?, in scope: DatabaseID) throws {
    guard let removed else { return }
    changes[scope, default: (TotalTable.Change(), nil)].change.remove(removed.id)
    try usage.remove(removed, entries: 1)
  }

  /// A payload is not there any more.
  mutating func drop(_ id: EntryID) throws -> Int {
    guard let removed = try entries.drop(payloadOf: id) else { return 0 }
    try usage.remove(removed, entries: 0)
    return removed.byteCount
  }

  /// Writes totals and chains; the last step of the transaction.
  func finish() throws {
    try usage.finish()
    guard !changes.isEmpty else { return }
    var sum = TotalTable.Change()
    for (database, (change, arrival)) in changes {
      try totals.apply(change, to: database, arrival: arrival)
      sum.add(change)
    }
    try totals.apply(sum, to: nil, arrival: arrival)
    for (chain, link) in links { try chains.extend(author: chain.author, database: chain.database, to: link) }
  }
}
