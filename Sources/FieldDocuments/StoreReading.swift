import FieldCore

extension ContentAddressedStore {
  /// All listings that the filter lets through, a page at a time.
  func eachPage(_ filter: EntryFilter, _ body: ([EntryListing]) async throws -> Void) async throws {
    var cursor: StoreCursor?
    var hasMore = true
    while hasMore {
      let page = try await scan(since: cursor, limit: StoreLimits.idCount, filter: filter)
      if !page.listings.isEmpty { try await body(page.listings) }
      cursor = page.next
      hasMore = page.hasMore
    }
  }

  /// The entries with these ids that are there, in the order of `ids`, a batch at a time. One that was spoiled on disk,
  /// so that it has another id than was asked for, is passed over.
  func eachEntry(_ ids: [EntryID], _ body: (EntryID, Entry) throws -> Void) async throws {
    var rest = ids[...]
    while !rest.isEmpty {
      let asked = rest.prefix(StoreLimits.idCount)
      let found = try await entries(Array(asked))
      var next = asked.startIndex
      for entry in found {
        let id = entry.header.id(in: workspace)
        guard let index = asked[next...].firstIndex(of: id) else { continue }
        try body(id, entry)
        next = index + 1
      }
      // Fewer than asked: the batch was full, or the others are not there. Nothing at all means the latter. Where none
      // is as asked for, at least as many ids are done with as entries came.
      rest = rest[(found.isEmpty ? asked.endIndex : max(next, asked.startIndex + found.count))...]
    }
  }
}
