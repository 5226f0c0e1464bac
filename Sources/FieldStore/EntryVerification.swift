import FieldCore

/// Verifies the entries of a put on as many cores as there are.
enum EntryVerification {
  /// Some milliseconds of work.
  private static let chunkCount = 64

  /// - Returns: One result for each entry, in the order given.
  static func results(of entries: [Entry], in workspace: WorkspaceID) async -> [Result<VerifiedEntry, EntryError>] {
    guard entries.count > chunkCount else { return results(of: entries[...], in: workspace) }
    return await withTaskGroup { group in
      for start in stride(from: 0, to: entries.count, by: chunkCount) {
        let chunk = entries[start..<min(start + chunkCount, entries.count)]
        group.addTask { (start, results(of: chunk, in: workspace)) }
      }
      return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }

  private static func results(
    of entries: ArraySlice<Entry>, in workspace: WorkspaceID
  )
    -> [Result<VerifiedEntry, EntryError>]
  {
    entries.map { entry in
      Result { () throws(EntryError) in try VerifiedEntry(verifying: entry, in: workspace) }
    }
  }
}
