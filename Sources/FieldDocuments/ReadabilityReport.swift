import FieldCore

/// What a check of every entry and attachment of a database found.
public struct ReadabilityReport: Hashable, Sendable {
  public internal(set) var entryCount = 0
  public internal(set) var documentCount = 0
  public internal(set) var attachmentCount = 0
  /// Entries that do not decrypt or decode on this device.
  public internal(set) var unreadableEntryCount = 0
  /// Chunks of attachments of documents as they are now that are not here, or do not decrypt.
  public internal(set) var missingChunkCount = 0
  /// The documents that those belong to.
  public internal(set) var incompleteDocuments: [String] = []

  public var isComplete: Bool { unreadableEntryCount == 0 && missingChunkCount == 0 }
}

extension DocumentDatabase {
  /// Decrypts everything once.
  ///
  /// - Parameter progress: Called with how many entries were read so far.
  public func checkReadable(progress: (Int) -> Void = { _ in }) async throws -> ReadabilityReport {
    var report = ReadabilityReport()
    var chunks: Set<ContentHash> = []
    try await store.eachPage(EntryFilter(scope: .database(id))) { listings in
      try await store.eachEntry(listings.map(\.id)) { _, entry in
        report.entryCount += 1
        if entry.header.kind == .blobChunk, chunkContent(of: entry) != nil {
          chunks.insert(entry.header.contentHash)
        } else if record(of: entry) == nil {
          report.unreadableEntryCount += 1
        }
      }
      progress(report.entryCount)
    }
    for name in try await documentNames() {
      guard let document = try await get(name) else { continue }
      report.documentCount += 1
      report.attachmentCount += document.attachments.count
      let missing = document.attachments.reduce(0) { $0 + $1.chunks.count { !chunks.contains($0) } }
      if missing > 0 {
        report.missingChunkCount += missing
        report.incompleteDocuments.append(name)
      }
    }
    return report
  }
}
