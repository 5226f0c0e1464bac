import FieldCore
import FieldWire
import Sodium

/// Gathers writes to a database and stores them a batch at a time. What was written is on disk after ``flush()``;
/// batches before that are stored as they fill. A batch is one transaction for chunks and one for the changes that
/// refer to them, so a writer that is abandoned leaves whole documents, and at most chunks that nothing refers to.
public struct DocumentWriter: Sendable {
  /// A batch ends at this many entries.
  public static let batchEntryCount = 500
  /// A batch ends before this many bytes, unless one entry is larger.
  public static let batchByteCount = StoreLimits.batchByteCount

  /// Entries and payload bytes that were stored.
  public private(set) var storedEntryCount = 0
  public private(set) var storedByteCount = 0
  /// Chunks that this device had written already.
  public private(set) var reusedChunkCount = 0

  private struct PendingChange {
    var draft: EntryDraft
    /// The last chunk of each attachment that the change sets: the change depends on their entries.
    var lastChunks: [ContentHash]
  }

  private let database: DocumentDatabase
  private var chunks: [EntryDraft] = []
  private var pendingChunks: Set<ContentHash> = []
  private var changes: [PendingChange] = []
  private var pendingDocuments: Set<DocumentID> = []
  private var pendingByteCount = 0
  private var hasProperties = false
  private var hasNewestKeys = false

  init(_ database: DocumentDatabase) {
    self.database = database
  }

  /// Sets and removes fields in one change. A deleted document returns with these fields alone.
  ///
  /// - Throws: ``DocumentError`` with `invalidName`, `invalidValue`, `tooLarge` or `noContentKeys`.
  public mutating func put(_ document: String, set fields: [String: FieldValue], remove: Set<String> = []) async throws
  {
    guard !document.isEmpty else { throw DocumentError(.invalidName, "a document's name is not empty") }
    try await write(document, set: fields, remove: remove)
  }

  /// - Returns: Whether there was anything to delete.
  public mutating func delete(_ document: String) async throws -> Bool {
    let id = database.names.document(named: document, in: database.id)
    if pendingDocuments.contains(id) { try await flush() }
    try await prepareKeys()
    let history = try await database.history(of: document)
    guard history.graph.count > 0, !history.isDeleted else { return false }
    let record = try ChangeRecord(name: document, clock: try await clock(after: history, document))
    try await enqueue(record, kind: .delete, following: history)
    return true
  }

  /// Stores `bytes` as the chunks of an attachment, for a put to refer to. Chunks that this device wrote before are not
  /// written again. Another's are: theirs go when that device is revoked by somebody who has not got them, and what was
  /// acknowledged here has to stand by itself. The store keeps equal payloads once.
  ///
  /// - Parameter read: Gives the next bytes, at most as many as asked, and none at the end.
  /// - Throws: ``DocumentError`` with `tooLarge` or `noContentKeys`, and what `read` throws.
  public mutating func attach(name: String? = nil, reading read: (Int) throws -> [UInt8]) async throws -> Attachment {
    try await prepareKeys()
    var hashes: [ContentHash] = []
    var byteCount = 0
    while true {
      var chunk: [UInt8] = []
      while chunk.count < PayloadCipher.blobChunkByteCount {
        let piece = try read(PayloadCipher.blobChunkByteCount - chunk.count)
        if piece.isEmpty { break }
        chunk = chunk.isEmpty ? piece : chunk + piece
      }
      if chunk.isEmpty { break }
      guard hashes.count < DocumentLimits.attachmentChunkCount else { throw Self.attachmentTooLarge }
      hashes.append(try await store(chunk: chunk))
      byteCount += chunk.count
      if chunk.count < PayloadCipher.blobChunkByteCount { break }
    }
    guard let attachment = Attachment(name: name, byteCount: byteCount, chunks: hashes) else {
      throw Self.attachmentTooLarge
    }
    return attachment
  }

  public mutating func attach(name: String? = nil, bytes: [UInt8]) async throws -> Attachment {
    var rest = bytes[...]
    return try await attach(name: name) { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
  }

  /// Stores everything that was written.
  public mutating func flush() async throws {
    var ids: [ContentHash: EntryID] = [:]
    if !chunks.isEmpty {
      for stored in try await append(chunks) { ids[stored.header.contentHash] = stored.id }
      chunks = []
      pendingChunks = []
    }
    if !changes.isEmpty {
      var drafts: [EntryDraft] = []
      for change in changes {
        var draft = change.draft
        for chunk in change.lastChunks {
          var id = ids[chunk]
          if id == nil { id = try await own(chunk) }
          if let id { draft.dependencies.append(id) }
        }
        drafts.append(draft)
      }
      _ = try await append(drafts)
      changes = []
      pendingDocuments = []
    }
    pendingByteCount = 0
    hasNewestKeys = false
  }

  /// Once for each batch: an epoch that begins meanwhile is nothing that this device could have known.
  private mutating func prepareKeys() async throws {
    guard !hasNewestKeys else { return }
    try await database.refreshKeys()
    hasNewestKeys = true
  }

  private static var attachmentTooLarge: DocumentError {
    DocumentError(.tooLarge, "an attachment has at most \(DocumentLimits.attachmentByteCount) bytes")
  }

  private mutating func append(_ drafts: [EntryDraft]) async throws -> [VerifiedEntry] {
    let stored = try await database.store.append(drafts, signedBy: database.keyPair)
    storedEntryCount += drafts.count
    storedByteCount += drafts.reduce(0) { $0 + $1.payload.count }
    return stored
  }

  private mutating func write(_ document: String, set: [String: FieldValue], remove: Set<String> = []) async throws {
    if !document.isEmpty { try await writeProperties() }
    let id = database.names.document(named: document, in: database.id)
    if pendingDocuments.contains(id) { try await flush() }
    try await prepareKeys()
    let history = try await database.history(of: document)
    let record = try ChangeRecord(
      name: document, clock: try await clock(after: history, document), set: set, remove: remove)
    try await enqueue(record, kind: history.isDeleted ? .undelete : .documentChange, following: history)
  }

  /// The first write to a database says its name, for those who have the entries to find it by.
  private mutating func writeProperties() async throws {
    guard !hasProperties else { return }
    hasProperties = true
    if try await database.history(of: "").graph.count == 0 {
      try await write("", set: [DatabaseCatalog.nameField: .text(database.name)])
    }
  }

  private func clock(after history: DocumentHistory, _ document: String) async throws -> UInt64 {
    var newest: UInt64 = 0
    try await database.store.eachEntry(history.heads) { _, entry in
      newest = max(newest, database.record(of: entry, named: document)?.clock ?? 0)
    }
    return min(newest + 1, ChangeRecord.maximumClock)
  }

  private mutating func enqueue(
    _ record: ChangeRecord, kind: EntryKind, following history: DocumentHistory
  ) async throws {
    let document = database.names.document(named: record.name, in: database.id)
    let (payload, epoch) = try seal(record.encoded, kind: kind, document: document)
    let lastChunks = record.operations.compactMap { operation -> ContentHash? in
      if case .attachment(let attachment)? = operation.value { attachment.chunks.last } else { nil }
    }
    // What was seen matters for the merge; chunks named as dependencies only come in a better order.
    let heads = history.heads.suffix(EntryLimits.dependencyCount)
    let draft = EntryDraft(
      kind: kind, database: database.id, document: document, keyEpoch: epoch, payload: payload,
      dependencies: Array(heads))
    try await makeRoom(for: draft)
    changes.append(
      PendingChange(draft: draft, lastChunks: Array(lastChunks.prefix(EntryLimits.dependencyCount - heads.count))))
    pendingDocuments.insert(document)
  }

  private mutating func store(chunk: [UInt8]) async throws -> ContentHash {
    let (payload, epoch) = try seal(chunk, kind: .blobChunk, document: .zero)
    let hash = ContentHash(Blake2b.hash(payload)) ?? .zero
    if pendingChunks.contains(hash) {
      reusedChunkCount += 1
    } else if try await own(hash) != nil {
      reusedChunkCount += 1
    } else {
      let draft = EntryDraft(kind: .blobChunk, database: database.id, keyEpoch: epoch, payload: payload)
      try await makeRoom(for: draft)
      chunks.append(draft)
      pendingChunks.insert(hash)
    }
    return hash
  }

  /// This device's entry with the chunk.
  private func own(_ chunk: ContentHash) async throws -> EntryID? {
    guard let author = DeviceKey(database.keyPair.publicKey) else { return nil }
    return try await database.store.entry(withContent: chunk, in: database.id, by: author)
  }

  private mutating func makeRoom(for draft: EntryDraft) async throws {
    let byteCount = EntryLimits.headerByteCount + EntryLimits.signatureByteCount + draft.payload.count
    if pendingByteCount + byteCount > Self.batchByteCount || chunks.count + changes.count >= Self.batchEntryCount {
      try await flush()
    }
    pendingByteCount += byteCount
  }

  private func seal(
    _ content: [UInt8], kind: EntryKind, document: DocumentID
  ) throws(DocumentError)
    -> (payload: [UInt8], keyEpoch: UInt32)
  {
    do {
      return try database.cipher.seal(content, kind: kind, database: database.id, document: document)
    } catch {
      throw DocumentError(error.code == .tooLarge ? .tooLarge : .noContentKeys, error.reason)
    }
  }
}
