import FieldWire

extension ContentAddressedStore {
  /// Gives the entries with these ids that are here to `body`, in the order of `ids`, as many at a time as a store
  /// gives at once.
  func eachBatch(of ids: [EntryID], _ body: ([Entry]) async throws -> Void) async throws {
    var rest = ids[...]
    while !rest.isEmpty {
      let entries = try await entries(Array(rest))
      guard !entries.isEmpty else { return }
      rest = rest[handled(by: entries, of: rest)...]
      try await body(entries)
    }
  }

  /// Where the ids begin that are still to be asked for, once `entries` came for `ids`: those between that did not come
  /// are not here. An entry that was spoiled on disk has another id than was asked for, and counts for one.
  func handled(by entries: [Entry], of ids: ArraySlice<EntryID>) -> Int {
    for (spoiledCount, entry) in entries.reversed().enumerated() {
      if let index = ids.lastIndex(of: entry.header.id(in: workspace)) {
        return min(index + 1 + spoiledCount, ids.endIndex)
      }
    }
    return min(ids.startIndex + entries.count, ids.endIndex)
  }
}
