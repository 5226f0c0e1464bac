import FieldCore
import FieldWire
import GRDB

/// Documents that were purged, and are refused since.
struct PurgedTable {
  let database: Database

  func contains(_ document: DocumentID, in id: DatabaseID) throws -> Bool {
    try KeptStatement("SELECT 1 FROM purged WHERE database = ? AND document = ?", in: database)
      .first(.identifier(id), .identifier(document)) { _ in true } ?? false
  }

  func insert(_ document: DocumentID, in id: DatabaseID) throws {
    try KeptStatement("INSERT OR IGNORE INTO purged (database, document) VALUES (?, ?)", in: database)
      .run(.identifier(id), .identifier(document))
  }
}
