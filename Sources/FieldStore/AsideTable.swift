import FieldCore
import FieldWire
import GRDB

/// Entries that the directory does not admit any more: kept, since a later directory may admit them again, and seen by
/// nobody. Not in any total, listing or digest.
struct AsideTable {
  let database: Database

  /// Looks again at everything that the file holds of these authors, see ``EntryIntake``.
  func readmit(_ authors: Set<DeviceKey>, _ directory: Directory, in batch: inout EntryBatch) throws {
    for author in authors.sorted() {
      try bringBack(author, directory, in: &batch)
      try setAside(author, directory, in: &batch)
    }
  }

  private func setAside(_ author: DeviceKey, _ directory: Directory, in batch: inout EntryBatch) throws {
    let table = EntryTable(database: database)
    var rejected: [(id: EntryID, source: Int64?)] = []
    let sql = "SELECT id, header, source FROM entry WHERE substr(header, 35, 32) = ? AND database <> ?"
    try KeptStatement(sql, in: database).forEachRow([.identifier(author), .identifier(Directory.database)]) { row in
      if (try? directory.admit(EntryTable.header(row.bytes(1)))) == nil {
        rejected.append((try row.identifier(0), row.isNull(2) ? nil : row.integer(2)))
      }
      return true
    }
    for (id, source) in rejected {
      guard let entry = try table.entry(id) else {
        // Its payload was dropped: there is nothing to bring back.
        if let scope = try table.header(id)?.database { try batch.remove(try table.delete(id), in: scope) }
        continue
      }
      let insertion = """
        INSERT OR IGNORE INTO aside (id, author, header, signature, payload, source) VALUES (?, ?, ?, ?, ?, ?)
        """
      try KeptStatement(insertion, in: database).run(
        .identifier(id), .identifier(author), .bytes(entry.header.encoded), .bytes(entry.signature),
        .bytes(entry.payload), source.map { .integer($0) } ?? .null)
      try batch.remove(try table.delete(id), in: entry.header.database)
    }
  }

  private func bringBack(_ author: DeviceKey, _ directory: Directory, in batch: inout EntryBatch) throws {
    var returning: [(entry: VerifiedEntry, source: Int64?)] = []
    let purged = PurgedTable(database: database)
    let sql = "SELECT header, signature, payload, source FROM aside WHERE author = ? ORDER BY id"
    try KeptStatement(sql, in: database).forEachRow([.identifier(author)]) { row in
      let entry = Entry(header: try EntryTable.header(row.bytes(0)), signature: row.bytes(1), payload: row.bytes(2))
      guard (try? directory.admit(entry.header)) != nil else { return true }
      do {
        let verified = try VerifiedEntry(verifying: entry, in: directory.workspace)
        returning.append((verified, row.isNull(3) ? nil : row.integer(3)))
      } catch {
        throw StoreError(.damaged, "an entry that was set aside: \(error)")
      }
      return true
    }
    for (entry, source) in returning {
      try KeptStatement("DELETE FROM aside WHERE id = ?", in: database).run(.identifier(entry.id))
      if try !purged.contains(entry.header.document, in: entry.header.database) {
        try batch.insert(entry, from: source)
      }
    }
  }
}
