public import FieldWire
public import SetReconciliation

/// A peer's store, through a session: the same calls as on a local one. A failed call says `closed` when the session is
/// gone, `refused` when the peer does not answer this, `protocolViolation` when its answer is wrong.
public struct RemoteStore: ContentAddressedStore {
  let session: Session
  /// Attempts whose summary keys can be looked up from a key.
  static let attemptLimit: UInt32 = 8

  public init(session: Session) {
    self.session = session
  }

  public var workspace: WorkspaceID { session.secrets.workspace }

  /// The key for this side's summaries in a ``scan(since:limit:filter:)``, attempts 0 to 7.
  public func summaryKey(attempt: UInt32) -> SummaryKey {
    session.secrets.summaryKey(attempt: attempt, author: session.secrets.role)
  }

  /// The key for summaries that the peer makes, attempts 0 to 7.
  public func peerSummaryKey(attempt: UInt32) -> SummaryKey {
    session.secrets.summaryKey(attempt: attempt, author: session.secrets.role == .initiator ? .responder : .initiator)
  }

  public func put(_ entries: [Entry]) async throws(StoreError) -> [PutOutcome] {
    guard entries.count <= StoreLimits.putEntryCount else {
      throw StoreError(.tooLarge, "\(entries.count) entries in one put")
    }
    return try await exchange { () throws(SessionError) in
      let stream = try await session.open(Message(.put), isLast: false)
      var encoder = EntryEncoder(workspace: workspace)
      var run = MessageRun(on: stream)
      for entry in entries { try await run.send(encoder.message(entry)) }
      try await run.flush()
      await stream.end()
      return stream
    } read: { stream throws(Fault) in
      var outcomes: [PutOutcome] = []
      while let reply = try await next(OutcomesReply.self, on: stream) {
        outcomes += reply.outcomes
        guard outcomes.count <= entries.count else { throw .violation("more outcomes than entries") }
      }
      guard outcomes.count == entries.count else { throw .violation("fewer outcomes than entries") }
      return outcomes
    }
  }

  public func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] {
    try checkCount(ids)
    return try await exchange(FetchRequest(ids: ids)) { stream throws(Fault) in
      var decoder = EntryDecoder(workspace: workspace)
      var entries: [Entry] = []
      var byteCount = 0
      var position = 0
      var answerCount = 0
      while let message = try await next(on: stream) {
        answerCount += 1
        guard answerCount <= ids.count else { throw .violation("more entries than were asked for") }
        let entry: Entry
        do throws(WireError) {
          entry = try decoder.decodeWhole(message)
        } catch {
          throw .violation(error.reason)
        }
        // A wrong answer is passed over, so that the right ones beside it count. The order is that of the question.
        guard let found = ids[position...].firstIndex(of: entry.header.id(in: workspace)) else { continue }
        position = found + 1
        entries.append(entry)
        byteCount += entry.encodedByteCount
        if byteCount >= StoreLimits.batchByteCount, position < ids.count {
          await stream.reset(.cancelled)
          break
        }
      }
      return entries
    }
  }

  public func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] {
    try checkCount(ids)
    return try await exchange(HeadersRequest(ids: ids)) { stream throws(Fault) in
      let asked = Set(ids)
      var headers: [EntryID: EntryHeader] = [:]
      while let reply = try await next(HeaderMessage.self, on: stream) {
        let id = reply.header.id(in: workspace)
        guard asked.contains(id), headers.updateValue(reply.header, forKey: id) == nil else {
          throw .violation("a header that was not asked for")
        }
      }
      return headers
    }
  }

  public func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> {
    try checkCount(ids)
    return try await exchange(ContainedRequest(ids: ids)) { stream throws(Fault) in
      let reply = try await only(ContainedReply.self, on: stream)
      guard reply.isContained.count == ids.count else { throw .violation("an answer of another length") }
      return Set(zip(ids, reply.isContained).filter(\.1).map(\.0))
    }
  }

  public func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    guard (1...StoreLimits.idCount).contains(limit) else { throw StoreError(.tooLarge, "a page of \(limit)") }
    let request = ScanRequest(
      cursor: cursor, limit: limit, filter: filter, summaryAttempt: try attempt(of: filter.absentFrom))
    return try await exchange(request) { stream throws(Fault) in
      let page = try await only(ScanReply.self, on: stream).page
      guard page.listings.count <= limit else { throw .violation("a page over its limit") }
      return page
    }
  }

  public func pages(since cursor: StoreCursor?, filter: EntryFilter) async throws(StoreError) -> any PageSource {
    let request = ScanRequest(
      cursor: cursor, limit: StoreLimits.idCount, isToEnd: true, filter: filter,
      summaryAttempt: try attempt(of: filter.absentFrom))
    do {
      return RemotePages(stream: try await session.open(Message(request), isLast: true))
    } catch {
      throw Fault.session(error).storeError
    }
  }

  public func head() async throws(StoreError) -> StoreHead {
    try await exchange { () throws(SessionError) in
      try await session.open(Message(.head), isLast: true)
    } read: { stream throws(Fault) in
      try await only(HeadReply.self, on: stream).head
    }
  }

  public func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError)
    -> BloomSummary
  {
    guard let attempt = (0..<Self.attemptLimit).first(where: { peerSummaryKey(attempt: $0) == key }),
      (1...40).contains(bitsPerEntry)
    else { throw StoreError(.refused, "a summary under a key that is not this session's") }
    let request = SummaryRequest(attempt: attempt, bitsPerEntry: UInt8(bitsPerEntry), scope: scope)
    return try await exchange(request) { stream throws(Fault) in
      do {
        return try await only(SummaryReply.self, on: stream).summary(key: key)
      } catch let error as WireError {
        throw .violation(error.reason)
      } catch let fault as Fault {
        throw fault
      } catch {
        throw .violation("\(error)")
      }
    }
  }

  public func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError)
    -> [EntryID]
  {
    let request = DependenciesRequest(
      start: start, stop: stop, maximumDepth: min(max(0, maximumDepth), StoreLimits.dependencyDepth))
    return try await exchange(request) { stream throws(Fault) in
      var ids: [EntryID] = []
      while let reply = try await next(IdentifiersReply.self, on: stream) {
        ids += reply.ids
        guard ids.count <= StoreLimits.dependencyDepth else { throw .violation("a walk without an end") }
      }
      return ids
    }
  }

  /// Nobody purges a peer's store.
  public func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int {
    throw StoreError(.refused, "a peer's store is purged by the peer alone")
  }

  func attempt(of summary: BloomSummary?) throws(StoreError) -> UInt32 {
    guard let summary else { return 0 }
    guard let attempt = (0..<Self.attemptLimit).first(where: { summaryKey(attempt: $0) == summary.key }) else {
      throw StoreError(.refused, "a summary under a key that is not this session's")
    }
    return attempt
  }

  func checkCount(_ ids: [EntryID]) throws(StoreError) {
    guard ids.count <= StoreLimits.idCount else { throw StoreError(.tooLarge, "\(ids.count) ids in one call") }
  }
}

// MARK: Exchanges

extension RemoteStore {
  /// What can go wrong in an exchange: the session, or the answer.
  enum Fault: Error {
    case session(SessionError)
    case violation(String)

    var storeError: StoreError {
      switch self {
      case .session(let error):
        switch error.code {
        case .streamReset, .refused, .notAMember: StoreError(.refused, error.reason)
        case .protocolViolation: StoreError(.protocolViolation, error.reason)
        default: StoreError(.closed, error.reason)
        }
      case .violation(let reason): StoreError(.protocolViolation, reason)
      }
    }
  }

  private func exchange<Body: MessageBody, Result>(
    _ request: Body, read: (SessionStream) async throws(Fault) -> Result
  ) async throws(StoreError) -> Result {
    try await exchange(
      open: { () throws(SessionError) in try await session.open(Message(request), isLast: true) }, read: read)
  }

  private func exchange<Result>(
    open: () async throws(SessionError) -> SessionStream, read: (SessionStream) async throws(Fault) -> Result
  ) async throws(StoreError) -> Result {
    let stream: SessionStream
    do {
      stream = try await open()
    } catch {
      throw Fault.session(error).storeError
    }
    do {
      let result = try await read(stream)
      await stream.forget()
      return result
    } catch {
      await stream.reset(.cancelled)
      throw error.storeError
    }
  }
}

private func next(on stream: SessionStream) async throws(RemoteStore.Fault) -> Message? {
  do {
    return try await stream.receive()
  } catch {
    throw .session(error)
  }
}

/// The next answer of the kind that is expected, or `nil` at the end.
private func next<Body: MessageBody>(
  _ kind: Body.Type, on stream: SessionStream
) async throws(RemoteStore.Fault) -> Body? {
  let message = try await next(on: stream)
  do {
    return try message?.decode(kind)
  } catch {
    throw .violation(error.reason)
  }
}

/// The one answer that there is.
private func only<Body: MessageBody>(
  _ kind: Body.Type, on stream: SessionStream
) async throws(RemoteStore.Fault) -> Body {
  guard let body = try await next(kind, on: stream) else { throw .violation("no answer") }
  guard try await next(kind, on: stream) == nil else { throw .violation("more than one answer") }
  return body
}

/// The pages that a peer streams.
private struct RemotePages: PageSource {
  let stream: SessionStream
  private var last: StoreCursor?

  init(stream: SessionStream) {
    self.stream = stream
  }

  mutating func next() async throws(StoreError) -> ScanPage? {
    do {
      guard let page = try await FieldCore.next(ScanReply.self, on: stream)?.page else {
        await stream.forget()
        return nil
      }
      if let last, page.next.epoch != last.epoch || page.next.arrival < last.arrival {
        throw RemoteStore.Fault.violation("pages that go back")
      }
      last = page.next
      return page
    } catch let fault as RemoteStore.Fault {
      await stream.reset(.cancelled)
      throw fault.storeError
    } catch {
      throw StoreError(.closed, "\(error)")
    }
  }
}
