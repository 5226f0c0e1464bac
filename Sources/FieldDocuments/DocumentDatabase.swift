public import FieldCore
public import FieldWire
public import Sodium

/// A named set of documents in a workspace, on this device's store.
///
/// Documents are read and written here and merged from their entries at each read, so that what other devices and other
/// processes wrote is seen as soon as it is stored. Two writes of one document at the same time, in this process too,
/// become concurrent changes. For many writes at once see ``writer()``.
///
/// Calls throw ``DocumentError``, and ``StoreError`` for what is the store's trouble.
public struct DocumentDatabase: Sendable {
  public let name: String
  public let id: DatabaseID

  let store: any LocalStore
  let keyPair: SigningKeyPair
  let names: NameHasher
  /// As of the last time that this was asked to be the newest.
  var cipher: PayloadCipher { currentCipher.value }
  private let currentCipher: CurrentCipher

  /// - Parameters:
  ///   - keys: Those that the device has now. The directory in the store says when there are newer ones.
  ///   - former: Key pairs that the device had before, whose keys it reads with too.
  /// - Throws: ``DocumentError`` with `noContentKeys` for a relay's keys, or `invalidName`.
  public init(
    name: String, store: any LocalStore, keys: WorkspaceKeys, keyPair: SigningKeyPair, former: [SigningKeyPair] = []
  ) throws(DocumentError) {
    guard let naming = keys.naming else {
      throw DocumentError(.noContentKeys, "this device carries the workspace's entries and cannot read them")
    }
    guard (1...DocumentLimits.nameByteCount).contains(name.utf8.count) else {
      throw DocumentError(.invalidName, "a database's name has 1 to \(DocumentLimits.nameByteCount) bytes")
    }
    self.name = name
    self.store = store
    self.keyPair = keyPair
    names = NameHasher(key: naming)
    id = names.database(named: name)
    currentCipher = CurrentCipher(store, keys: keys, holder: keyPair, former: former)
  }

  /// Takes up the keys of an epoch that has begun since: before anything is written, and where something that was read
  /// does not decrypt.
  ///
  /// - Returns: Whether there may be others than before.
  @discardableResult
  func refreshKeys() async throws(StoreError) -> Bool { try await currentCipher.refresh() }

  /// The document as of the entries that are here; `nil` when there are none of it.
  public func get(_ name: String) async throws -> Document? {
    let document = try await read(name)
    guard let document, document.unreadableEntryCount > 0, try await refreshKeys() else { return document }
    return try await read(name)
  }

  private func read(_ name: String) async throws -> Document? {
    let history = try await history(of: name)
    guard history.graph.count > 0 else { return nil }
    var merge = DocumentMerge(history.graph)
    var readable = 0
    let positions = Dictionary(uniqueKeysWithValues: history.graph.ids.enumerated().map { ($1, $0) })
    try await store.eachEntry(history.graph.ids) { id, entry in
      guard let position = positions[id], let record = record(of: entry, named: name) else { return }
      merge.apply(record, at: position)
      readable += 1
    }
    let (fields, conflicts) = merge.result
    return Document(
      name: name, fields: fields, conflicts: conflicts, isDeleted: merge.isDeleted,
      unreadableEntryCount: history.graph.count - readable)
  }

  /// Sets and removes fields in one change, which is on disk when this returns. A deleted document returns with these
  /// fields alone.
  ///
  /// - Throws: ``DocumentError`` with `invalidName`, `invalidValue`, `tooLarge` or `noContentKeys`.
  public func put(_ document: String, set fields: [String: FieldValue], remove: Set<String> = []) async throws {
    var writer = writer()
    try await writer.put(document, set: fields, remove: remove)
    try await writer.flush()
  }

  /// Ends a document. It does not come back through changes that were made elsewhere in the meantime.
  ///
  /// - Returns: Whether there was anything to delete.
  public func delete(_ document: String) async throws -> Bool {
    var writer = writer()
    let deleted = try await writer.delete(document)
    try await writer.flush()
    return deleted
  }

  public func writer() -> DocumentWriter { DocumentWriter(self) }

  /// The documents' names in the order of their bytes.
  public func documentNames(includingDeleted: Bool = false) async throws -> [String] {
    try await refreshKeys()
    var found: [DocumentID: String] = [:]
    var withDeletions: Set<DocumentID> = []
    let filter = EntryFilter(scope: .database(id), kinds: [.documentChange, .delete, .undelete])
    try await store.eachPage(filter) { listings in
      let headers = try await store.headers(listings.map(\.id))
      var unnamed: [EntryID] = []
      var asked: Set<DocumentID> = []
      for listing in listings {
        guard let header = headers[listing.id] else { continue }
        if header.kind == .delete { withDeletions.insert(header.document) }
        if found[header.document] == nil, asked.insert(header.document).inserted { unnamed.append(listing.id) }
      }
      try await store.eachEntry(unnamed) { _, entry in
        found[entry.header.document] = record(of: entry)?.name
      }
      // The first entry of some was unreadable: another may do.
      let second = listings.map(\.id).filter { id in headers[id].map { found[$0.document] == nil } ?? false }
      try await store.eachEntry(second) { _, entry in
        if found[entry.header.document] == nil { found[entry.header.document] = record(of: entry)?.name }
      }
    }
    found[propertiesDocument] = nil
    if !includingDeleted {
      for document in withDeletions where found[document] != nil {
        let graph = try await DocumentHistory(of: document, in: id, store).graph
        if DocumentMerge(graph).isDeleted { found[document] = nil }
      }
    }
    return found.values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Where the database keeps what is said about itself.
  var propertiesDocument: DocumentID { names.document(named: "", in: id) }

  func history(of document: String) async throws -> DocumentHistory {
    try await DocumentHistory(of: names.document(named: document, in: id), in: id, store)
  }

  /// What a document's entry says; `nil` when it does not decrypt or decode, or speaks for another document.
  func record(of entry: Entry, named name: String? = nil) -> ChangeRecord? {
    guard entry.header.kind != .blobChunk, let content = try? cipher.open(entry.payload, of: entry.header),
      let record = try? ChangeRecord(decoding: content),
      names.document(named: record.name, in: id) == entry.header.document
    else { return nil }
    return record
  }
}
