public import FieldCore
public import FieldWire

/// Which databases a store holds. Their ids say nothing; each database's first writer leaves its name in a document of
/// its own, the properties document, whose name is empty.
public enum DatabaseCatalog {
  static let nameField = "name"

  /// The databases with entries, by name where the name is known here: it is not on a relay, nor before the entry that
  /// says it has arrived. The directory's is left out.
  public static func names(in store: any LocalStore, keys: WorkspaceKeys) async throws -> [DatabaseID: String?] {
    var found: [DatabaseID: String?] = [:]
    for database in try await store.databases().keys where database != Directory.database {
      found[database] = .some(try await name(of: database, in: store, keys: keys))
    }
    return found
  }

  private static func name(
    of database: DatabaseID, in store: any LocalStore, keys: WorkspaceKeys
  ) async throws -> String? {
    guard let naming = keys.naming else { return nil }
    let names = NameHasher(key: naming)
    let cipher = PayloadCipher(workspace: store.workspace, keyring: keys.keyring)
    var ids: [EntryID] = []
    try await store.eachPage(EntryFilter(scope: .document(database, names.document(named: "", in: database)))) {
      ids += $0.map(\.id)
    }
    var name: String?
    try await store.eachEntry(ids) { _, entry in
      guard name == nil, let content = try? cipher.open(entry.payload, of: entry.header),
        let record = try? ChangeRecord(decoding: content)
      else { return }
      for case (nameField, .text(let claimed)?) in record.operations where names.database(named: claimed) == database {
        name = claimed
      }
    }
    return name
  }
}
