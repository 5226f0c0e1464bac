import FieldWire
import SetReconciliation

/// Answers a peer's requests out of any store: a local one, a peer's own, or a chain of both.
public struct StoreServer: Sendable {
  private let store: any ContentAddressedStore
  private let secrets: SessionSecrets
  /// Answers that hold whole entries in memory take turns.
  private let heavy = AsyncSemaphore(permits: 2)
  /// Large payloads have turns of their own, so that they never hold up what is small.
  private let bulk = AsyncSemaphore(permits: 2)
  public let served: ServedCount
  private let budget: PassBudget?
  private let clock: any Clock<Duration>
  /// What the peer says that it does not take; it is not sent, even where it is asked for.
  let refusedByPeer = RefusalRecord()

  /// - Parameters:
  ///   - budget: Pays for looking through entries that are not listed; `nil`: that is free.
  ///   - clock: To wait until there is enough in it again.
  public init(
    store: any ContentAddressedStore, secrets: SessionSecrets, served: ServedCount = ServedCount(),
    budget: PassBudget? = nil, clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.store = store
    self.budget = budget
    self.clock = clock
    self.secrets = secrets
    self.served = served
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
        guard try await isPaid(.max) else { throw StoreError(.refused, "too many summaries") }
        let bloom = try await store.bloomSummary(
          of: summary.scope, key: secrets.summaryKey(attempt: summary.attempt, author: secrets.role),
          bitsPerEntry: Int(summary.bitsPerEntry))
        try await stream.send(Message(SummaryReply(summary: bloom)), isLast: true)
      case .dependencies: try await answerDependencies(try request.decode(), on: stream)
      case .pull: try await answerPull(try request.decode(), on: stream, from: source)
      case .content: try await answerContent(try request.decode(ContentRequest.self).items, on: stream)
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
    let filter = try filter(of: request, from: source)
    guard request.isToEnd else {
      let page = try await store.scan(since: request.cursor, limit: request.limit, filter: filter)
      try await pay(for: page, since: request.cursor)
      return try await stream.send(Message(ScanReply(page: page)), isLast: true)
    }
    var cursor = request.cursor
    while true {
      let page = try await store.scan(since: cursor, limit: request.limit, filter: filter)
      try await pay(for: page, since: cursor)
      cursor = page.next
      // Pages that the filter emptied are not worth a message, except the last, which ends the scan.
      if !page.listings.isEmpty || !page.hasMore {
        try await stream.send(Message(ScanReply(page: page)), isLast: !page.hasMore)
      }
      guard page.hasMore else { return }
    }
  }

  /// Pays for the entries that a page passed over, or waits until there is enough for that: a filter that nothing fits
  /// costs the peer a few bytes. What is listed costs it as much as this side.
  private func pay(for page: ScanPage, since start: StoreCursor?) async throws {
    let from = start.map { $0.epoch == page.next.epoch ? $0.arrival : 0 } ?? 0
    let listed = from + UInt64(page.listings.count + StoreLimits.idCount)
    guard page.next.arrival > listed else { return }
    while try await !isPaid(page.next.arrival - listed) {
      try await clock.sleep(for: PassBudget.window / Int(PassBudget.passCount))
    }
  }

  /// Pays for looking at so many entries, or at all where that is fewer.
  private func isPaid(_ count: UInt64) async throws -> Bool {
    guard let budget else { return true }
    let total = try await store.head().entryCount
    return budget.take(min(count, total), of: total, for: secrets.peer)
  }

  private func filter(of request: ScanRequest, from source: EntrySource?) throws(WireError) -> EntryFilter {
    let author: SessionHandshake.Role = secrets.role == .initiator ? .responder : .initiator
    var filter = try request.resolvedFilter { secrets.summaryKey(attempt: $0, author: author) }
    filter.notFrom = source
    return filter
  }

  /// Sends of each page what the asker surely lacks, and lists the rest.
  private func answerPull(_ request: PullRequest, on stream: SessionStream, from source: EntrySource?) async throws {
    let filter = try filter(of: request.scan, from: source)
    var encoder = EntryEncoder(workspace: store.workspace)
    var cursor = request.scan.cursor
    while true {
      var page = try await store.scan(since: cursor, limit: request.scan.limit, filter: filter)
      try await pay(for: page, since: cursor)
      cursor = page.next
      let ids = try await lacking(of: page.listings, request.chains)
      let lacking = Set(ids)
      page.listings.removeAll { lacking.contains($0.id) }
      try await send(ids, request.inlineByteCount, with: &encoder, on: stream)
      if !ids.isEmpty || !page.listings.isEmpty || !page.hasMore {
        try await stream.send(Message(ScanReply(page: page)), isLast: !page.hasMore)
      }
      guard page.hasMore else { return }
    }
  }

  private func lacking(of listings: [EntryListing], _ chains: KnownChains) async throws -> [EntryID] {
    let ids = listings.map(\.id)
    if chains.ends.isEmpty || ids.isEmpty { return chains.isComplete ? ids : [] }
    let headers = try await store.headers(ids)
    return ids.filter { headers[$0].map(chains.lacks) ?? false }
  }

  /// Sends entries in pieces that fit into memory; in each, dependencies come before what depends on them.
  private func send(
    _ ids: [EntryID], _ inlineByteCount: Int, with encoder: inout EntryEncoder, on stream: SessionStream
  ) async throws {
    var rest = ids[...]
    while !rest.isEmpty {
      let entries = try await heavy.withPermit { try await store.entries(Array(rest)) }
      guard !entries.isEmpty else { return }
      try await send(DependencyOrder.sorted(entries, in: store.workspace), inlineByteCount, with: &encoder, on: stream)
      rest = rest[store.handled(by: entries, of: rest)...]
    }
  }

  private func send(
    _ entries: [Entry], _ inlineByteCount: Int, with encoder: inout EntryEncoder, on stream: SessionStream
  ) async throws {
    var run = MessageRun(on: stream)
    for entry in entries where entry.header.kind == .directory || !refusedByPeer.refuses(entry.header.author) {
      let isWhole = entry.payload.count <= inlineByteCount
      let message = isWhole ? encoder.message(entry) : encoder.message(head: entry)
      try await run.send(message)
      served.add(entries: isWhole ? 1 : 0, bytes: message.body.count)
    }
    try await run.flush()
  }

  private func answerContent(_ items: [ContentRequest.Item], on stream: SessionStream) async throws {
    await stream.setBulk()
    try await bulk.withPermit {
      for (index, item) in items.enumerated() {
        guard let payload = try await store.entries([item.id]).first?.payload else { continue }
        let start = item.start(in: payload)
        var run = MessageRun(on: stream)
        try await run.send(Message(ContentStart(index: index, offset: start, byteCount: payload.count)))
        for place in stride(from: start, to: payload.count, by: ContentPiece.byteLimit) {
          let piece = Array(payload[place..<min(place + ContentPiece.byteLimit, payload.count)])
          try await run.send(Message(ContentPiece(bytes: piece)))
          served.add(entries: 0, bytes: piece.count)
        }
        try await run.flush()
        served.add(entries: 1, bytes: 0)
      }
    }
    await stream.end()
  }

  private func answerFetch(_ request: FetchRequest, on stream: SessionStream) async throws {
    try await heavy.withPermit {
      var encoder = EntryEncoder(workspace: store.workspace)
      try await store.eachBatch(of: request.ids) { entries in
        try await send(entries, request.inlineByteCount, with: &encoder, on: stream)
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
