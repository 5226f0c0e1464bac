public import FieldWire

/// How entries come from a peer: one after the other, as they arrive.
extension RemoteStore {
  public func fetch(
    _ ids: [EntryID], inlineByteCount: Int, body: (ReceivedEntry) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    try checkCount(ids)
    try await stream(FetchRequest(ids: ids, inlineByteCount: inlineByteCount)) { stream throws(StoreError) in
      var decoder = EntryDecoder(workspace: workspace)
      var answerCount = 0
      while let message = try await receive(on: stream) {
        answerCount += 1
        guard answerCount <= ids.count else {
          throw StoreError(.protocolViolation, "more entries than were asked for")
        }
        try await body(try decode { () throws(WireError) in try decoder.decode(message) })
      }
    }
  }

  public func pull(
    _ query: PullQuery, body: (PulledItem) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    let request = PullRequest(
      inlineByteCount: query.inlineByteCount, chains: query.chains,
      scan: ScanRequest(
        cursor: query.since, limit: StoreLimits.idCount, isToEnd: true, filter: query.filter,
        summaryAttempt: try attempt(of: query.filter.absentFrom)))
    try await stream(request) { stream throws(StoreError) in
      var decoder = EntryDecoder(workspace: workspace)
      var last: StoreCursor?
      while let message = try await receive(on: stream) {
        guard message.type == .page else {
          try await body(.entry(try decode { () throws(WireError) in try decoder.decode(message) }))
          continue
        }
        let page = try decode { () throws(WireError) in try message.decode(ScanReply.self) }.page
        if let last, page.next.epoch != last.epoch || page.next.arrival < last.arrival {
          throw StoreError(.protocolViolation, "pages that go back")
        }
        last = page.next
        try await body(.page(page))
      }
    }
  }

  public func contents(
    _ items: [ContentRequest.Item], body: (ContentEvent) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    guard items.count <= ContentRequest.itemLimit else {
      throw StoreError(.tooLarge, "\(items.count) payloads in one call")
    }
    try await stream(ContentRequest(items: items)) { stream throws(StoreError) in
      while let message = try await receive(on: stream) {
        if message.type == .contentStart {
          let start = try decode { () throws(WireError) in try message.decode(ContentStart.self) }
          try await body(.start(index: start.index, offset: start.offset, byteCount: start.byteCount))
        } else {
          try await body(.bytes(try decode { () throws(WireError) in try message.decode(ContentPiece.self) }.bytes))
        }
      }
    }
  }

  /// One exchange whose answers are read as they come.
  private func stream<Body: MessageBody>(
    _ request: Body, read: (SessionStream) async throws(StoreError) -> Void
  ) async throws(StoreError) {
    let stream: SessionStream
    do throws(SessionError) {
      stream = try await session.open(Message(request), isLast: true)
    } catch {
      throw Fault.session(error).storeError
    }
    do throws(StoreError) {
      try await read(stream)
      await stream.forget()
    } catch {
      await stream.reset(.cancelled)
      throw error
    }
  }

  private func receive(on stream: SessionStream) async throws(StoreError) -> Message? {
    do throws(SessionError) {
      return try await stream.receive()
    } catch {
      throw Fault.session(error).storeError
    }
  }

  private func decode<Value>(_ body: () throws(WireError) -> Value) throws(StoreError) -> Value {
    do throws(WireError) {
      return try body()
    } catch {
      throw StoreError(.protocolViolation, error.reason)
    }
  }
}
