/// For stores that answer at once: every entry comes whole, and everything is listed.
extension ContentAddressedStore {
  public func fetch(
    _ ids: [EntryID], inlineByteCount: Int, body: (ReceivedEntry) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    for entry in try await entries(ids) { try await body(.whole(entry)) }
  }

  public func pull(
    _ query: PullQuery, body: (PulledItem) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    var pages = try await pages(since: query.since, filter: query.filter)
    while let page = try await pages.next() { try await body(.page(page)) }
  }

  public func contents(
    _ items: [ContentRequest.Item], body: (ContentEvent) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    for (index, item) in items.enumerated() {
      guard let payload = try await entries([item.id]).first?.payload else { continue }
      let start = item.start(in: payload)
      try await body(.start(index: index, offset: start, byteCount: payload.count))
      for place in stride(from: start, to: payload.count, by: ContentPiece.byteLimit) {
        try await body(.bytes(Array(payload[place..<min(place + ContentPiece.byteLimit, payload.count)])))
      }
    }
  }
}
