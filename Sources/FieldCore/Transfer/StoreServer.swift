import FieldWire
import SetReconciliation

/// Answers a peer's requests out of any store: a local one, a peer's own, or a chain of both.
public struct StoreServer: Sendable {
  private let store: any ContentAddressedStore
  private let secrets: SessionSecrets
  /// Answers that hold whole entries in memory take turns.
  private let heavy = AsyncSemaphore(permits: 2)

  public init(store: any ContentAddressedStore, secrets: SessionSecrets) {
    self.store = store
    self.secrets = secrets
  }

  /// Answers one exchange whose first message is `request`.
  ///
  /// - Parameter source: Where the peer's entries come from, as ``EntryFilter/notFrom`` knows it; what came from there
  ///   is
  ///   not listed back to it.
  public func answer(_ request: Message, on stream: SessionStream, from source: EntrySource?) async {
    do {
      switch request.type {
      case .head: try await stream.send(Message(HeadReply(head: try await store.head())), isLast: true)
      case .scan: try await answerScan(try request.decode(), on: stream, from: source)
      case .fetch: try await answerFetch(try request.decode(), on: stream)
      case .headers: try await answerHeaders(try request.decode(HeadersRequest.self).ids, on: stream)
      case .contained:
        let ids = try request.decode(ContainedRequest.self).ids
        let present = try await store.contained(ids)
        try await stream.send(Message(ContainedReply(isContained: ids.map(present.contains))), isLast: true)
      case .bloomSummary:
        let summary = try request.decode(SummaryRequest.self)
        let bloom = try await store.bloomSummary(
          of: summary.scope, key: secrets.summaryKey(attempt: summary.attempt, author: secrets.role),
          bitsPerEntry: Int(summary.bitsPerEntry))
        try await stream.send(Message(SummaryReply(summary: bloom)), isLast: true)
      case .dependencies: try await answerDependencies(try request.decode(), on: stream)
      case .put: try await answerPut(on: stream, from: source)
      default: await stream.reset(.refused)
      }
      await stream.forget()
    } catch is WireError {
      await stream.reset(.refused)
    } catch let error as StoreError where error.code == .tooLarge || error.code == .refused {
      await stream.reset(.refused)
    } catch {
      await stream.reset(.failed)
    }
  }

  private func answerScan(_ request: ScanRequest, on stream: SessionStream, from source: EntrySource?) async throws {
    let author: SessionHandshake.Role = secrets.role == .initiator ? .responder : .initiator
    var filter = try request.resolvedFilter { secrets.summaryKey(attempt: $0, author: author) }
    filter.notFrom = source
    guard request.isToEnd else {
      let page = try await store.scan(since: request.cursor, limit: request.limit, filter: filter)
      return try await stream.send(Message(ScanReply(page: page)), isLast: true)
    }
    var cursor = request.cursor
    while true {
      let page = try await store.scan(since: cursor, limit: request.limit, filter: filter)
      cursor = page.next
      // Pages that the filter emptied are not worth a message, except the last, which ends the scan.
      if !page.listings.isEmpty || !page.hasMore {
        try await stream.send(Message(ScanReply(page: page)), isLast: !page.hasMore)
      }
      guard page.hasMore else { return }
    }
  }

  private func answerFetch(_ request: FetchRequest, on stream: SessionStream) async throws {
    try await heavy.withPermit {
      var encoder = EntryEncoder(workspace: store.workspace)
      var rest = request.ids[...]
      while !rest.isEmpty {
        let entries = try await store.entries(Array(rest))
        guard let last = entries.last?.header.id(in: store.workspace), let index = rest.lastIndex(of: last) else {
          break
        }
        for entry in entries {
          let isInline = entry.payload.count <= request.inlineByteCount
          try await stream.send(isInline ? encoder.message(entry) : encoder.message(head: entry))
        }
        rest = rest[(index + 1)...]
      }
    }
    await stream.end()
  }

  private func answerHeaders(_ ids: [EntryID], on stream: SessionStream) async throws {
    let headers = try await store.headers(ids)
    for id in ids {
      if let header = headers[id] { try await stream.send(Message(HeaderMessage(header: header))) }
    }
    await stream.end()
  }

  private func answerDependencies(_ request: DependenciesRequest, on stream: SessionStream) async throws {
    let ids = try await store.dependencies(
      of: request.start, stoppingAt: request.stop, maximumDepth: request.maximumDepth)
    for start in stride(from: 0, to: ids.count, by: StoreLimits.idCount) {
      let piece = Array(ids[start..<min(start + StoreLimits.idCount, ids.count)])
      try await stream.send(Message(IdentifiersReply(ids: piece)))
    }
    await stream.end()
  }

  private func answerPut(on stream: SessionStream, from source: EntrySource?) async throws {
    try await heavy.withPermit {
      var decoder = EntryDecoder(workspace: store.workspace)
      var batch: [Entry] = []
      var byteCount = 0
      while let message = try await stream.receive() {
        let entry = try decoder.decodeWhole(message)
        batch.append(entry)
        byteCount += entry.encodedByteCount
        if byteCount >= StoreLimits.batchByteCount || batch.count == StoreLimits.putEntryCount {
          try await stream.send(Message(OutcomesReply(outcomes: try await store(batch, from: source))))
          batch = []
          byteCount = 0
        }
      }
      if !batch.isEmpty {
        try await stream.send(Message(OutcomesReply(outcomes: try await store(batch, from: source))))
      }
    }
    await stream.end()
  }

  private func store(_ entries: [Entry], from source: EntrySource?) async throws(StoreError) -> [PutOutcome] {
    var outcomes: [PutOutcome] = []
    for put in StoreLimits.puts(of: entries) {
      if let local = store as? any LocalStore {
        outcomes += try await local.put(Array(put), from: source)
      } else {
        outcomes += try await store.put(Array(put))
      }
    }
    return outcomes
  }
}
