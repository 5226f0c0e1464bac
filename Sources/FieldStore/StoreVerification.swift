import FieldCore
import FieldWire
import GRDB

/// One run over everything in a store. What it keeps in memory does not grow with the store.
struct StoreVerification {
  let database: Database
  let workspace: WorkspaceID
  let progress: @Sendable (_ checked: UInt64, _ total: UInt64) -> Void
  private var findings: [String] = []
  private var findingCount = 0
  private var checked: UInt64 = 0

  /// Findings that are told one by one; more of them are only counted.
  private static let findingLimit = 1000
  private static let progressInterval: UInt64 = 256

  init(
    database: Database, workspace: WorkspaceID,
    progress: @escaping @Sendable (_ checked: UInt64, _ total: UInt64) -> Void
  ) {
    self.database = database
    self.workspace = workspace
    self.progress = progress
  }

  mutating func run() throws -> [String] {
    try checkFile()
    let head = try TotalTable(database: database).head()
    var count: UInt64 = 0
    var digest = SetDigest()
    // One database after the other, so that one digest at a time is enough.
    var last: [UInt8] = []
    while let id = try nextDatabase(after: last) {
      let (entryCount, sum) = try checkEntries(of: id, total: head.entryCount)
      count += entryCount
      digest.add(sum)
      last = id.bytes
    }
    try compare(count, digest, with: nil)
    try checkEmptyTotals()
    let newest = try integer("SELECT COALESCE(MAX(arrival), 0) FROM entry")
    if newest > head.arrival { add("an entry arrived as \(newest), and the counter is at \(head.arrival)") }
    try checkPayloads()
    let purged = try integer("SELECT COUNT(*) FROM purged JOIN entry USING (database, document)")
    if purged > 0 { add("\(purged) entries belong to purged documents") }
    progress(checked, head.entryCount)
    if findingCount > findings.count { findings.append("\(findingCount - findings.count) more") }
    return findings
  }

  private mutating func add(_ finding: String) {
    findingCount += 1
    if findings.count < Self.findingLimit { findings.append(finding) }
  }

  private mutating func checkFile() throws {
    var lines: [String] = []
    try KeptStatement("PRAGMA integrity_check", in: database).forEachRow([]) { row in
      lines.append(row.text(0))
      return true
    }
    for line in lines where line != "ok" { add("SQLite: \(line)") }
  }

  private func integer(_ sql: String) throws -> UInt64 {
    try KeptStatement(sql, in: database).first { $0.count(0) } ?? 0
  }

  private func nextDatabase(after last: [UInt8]) throws -> DatabaseID? {
    let sql = "SELECT database FROM entry WHERE database > ? ORDER BY database LIMIT 1"
    return try KeptStatement(sql, in: database).first(.bytes(last)) { try $0.identifier(0) }
  }

  private mutating func checkEntries(of id: DatabaseID, total: UInt64) throws -> (count: UInt64, digest: SetDigest) {
    var count: UInt64 = 0
    var digest = SetDigest()
    let sql = """
      SELECT entry.id, entry.header, entry.signature, payload.bytes, entry.payload FROM entry
      LEFT JOIN payload ON payload.key = entry.payload WHERE entry.database = ? ORDER BY entry.arrival
      """
    try KeptStatement(sql, in: database).forEachRow([.identifier(id)]) { row in
      let stated: EntryID = try row.identifier(0)
      count += 1
      digest.insert(stated)
      do {
        let header = try EntryTable.header(row.bytes(1))
        let (signature, payload) = (row.bytes(2), row.bytes(3))
        let found =
          try row.integer(4) == EntryTable.dropped
          ? EntryHead(header: header, signature: signature).verified(in: workspace)
          : VerifiedEntry(
            verifying: Entry(header: header, signature: signature, payload: payload), in: workspace
          ).id
        if found != stated { add("entry \(stated): its header is that of \(found)") }
        let link = try ChainTable(database: database).link(author: header.author, database: id)
        if link?.sequence ?? 0 < header.sequence { add("entry \(stated): its author's chain ends before it") }
      } catch let error as EntryError {
        add("entry \(stated): \(error.reason)")
      } catch let error as StoreError {
        add("entry \(stated): \(error.reason)")
      }
      checked += 1
      if checked.isMultiple(of: Self.progressInterval) { progress(checked, total) }
      return true
    }
    try compare(count, digest, with: id)
    return (count, digest)
  }

  private mutating func compare(_ count: UInt64, _ digest: SetDigest, with id: DatabaseID?) throws {
    let name = id.map { "database \($0)" } ?? "the workspace"
    let stated = try TotalTable(database: database).digest(of: id)
    if stated?.entryCount != count {
      add("\(name): \(stated?.entryCount ?? 0) entries are counted, \(count) are there")
    }
    if stated?.digest != digest { add("\(name): the digest is not that of its entries") }
  }

  private mutating func checkEmptyTotals() throws {
    let sql = """
      SELECT COUNT(*) FROM total WHERE scope <> x'' AND entryCount > 0
      AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.database = total.scope)
      """
    let count = try integer(sql)
    if count > 0 { add("\(count) databases are counted that have no entries") }
  }

  private mutating func checkUsage() throws {
    let sql = """
      SELECT COALESCE(SUM(length(entry.header) + length(entry.signature) + COALESCE(length(payload.bytes), 0)), 0)
      FROM entry LEFT JOIN payload ON payload.key = entry.payload
      """
    let used = try integer(sql)
    let counted = try UsageTable(database: database).usage().total.byteCount
    if used != counted { add("\(counted) bytes are counted, \(used) are there") }
  }

  /// Each payload is there once for each content hash.
  private mutating func checkPayloads() throws {
    let payloads = try integer("SELECT COUNT(*) FROM payload")
    let contents = try integer("SELECT COUNT(*) FROM (SELECT DISTINCT content FROM entry WHERE payload > 0)")
    try checkUsage()
    if payloads != contents { add("\(payloads) payloads are kept for \(contents) content hashes") }
  }
}
