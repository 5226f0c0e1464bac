public import SetReconciliation

/// Brings what another store has and this one lacks into this one. Works between any two stores.
///
/// Pages of listings come ahead of the entries, and a batch is fetched while the one before is stored. What is fetched
/// was asked for by id, so an entry that is here already, from whatever source, is never fetched again.
public struct EntryPull: Sendable {
  /// What is asked for at once: bytes of entries as listed, which also bounds what is held in memory.
  public static let batchByteCount = 256 << 10
  static let batchEntryCount = 512

  private let source: any ContentAddressedStore
  private let sink: any LocalStore
  private let origin: EntrySource?

  /// - Parameter origin: Whose store `source` is, where that is a peer's.
  public init(from source: any ContentAddressedStore, into sink: any LocalStore, origin: EntrySource? = nil) {
    self.source = source
    self.sink = sink
    self.origin = origin
  }

  /// Pulls what arrived in the source after `cursor`; with `summary`, only what it surely does not contain.
  ///
  /// - Parameter progress: Called after each batch, and after each page, with the report so far. After a page, its
  ///   ``PullReport/settledThrough`` may be kept as the next pull's cursor: it never moves past an entry that is
  ///   missing.
  public func run(
    since cursor: StoreCursor?, summary: BloomSummary? = nil,
    progress: @Sendable (PullReport, _ isPageDone: Bool) async throws(StoreError) -> Void = { _, _ throws(StoreError) in
    }
  ) async throws(StoreError) -> PullReport {
    var report = PullReport()
    report.settledThrough = cursor
    // The directory decides about everything else, so it comes first. It is small.
    var first = EntryFilter(kinds: [.directory], absentFrom: summary)
    var pages = try await source.pages(since: cursor, filter: first)
    while let page = try await pages.next() { try await transfer(page, into: &report, progress) }
    report.listedCount = 0
    first.kinds = nil
    pages = try await source.pages(since: cursor, filter: first)
    var isHeld = false
    while let page = try await pages.next() {
      isHeld = try await transfer(page, into: &report, progress) || isHeld
      report.coveredThrough = page.next
      if !isHeld { report.settledThrough = page.next }
      try await progress(report, true)
    }
    return report
  }

  /// Brings these entries, which the source is known to have, in batches of at most `batchEntryCount`.
  public func run(
    ids: [EntryID], batchEntryCount: Int,
    progress: @Sendable (PullReport) async throws(StoreError) -> Void = { _ throws(StoreError) in }
  ) async throws(StoreError) -> PullReport {
    var report = PullReport()
    for start in stride(from: 0, to: ids.count, by: max(1, batchEntryCount)) {
      let batch = Array(ids[start..<min(start + max(1, batchEntryCount), ids.count)])
      let present = try await sink.contained(batch)
      _ = try await store(try await fetch(batch.filter { !present.contains($0) }), into: &report)
      try await progress(report)
    }
    return report
  }

  /// - Returns: Whether something of the page has to be asked for again.
  @discardableResult
  private func transfer(
    _ page: ScanPage, into report: inout PullReport,
    _ progress: @Sendable (PullReport, Bool) async throws(StoreError) -> Void
  ) async throws(StoreError) -> Bool {
    report.listedCount += page.listings.count
    guard !page.listings.isEmpty else { return false }
    let present = try await sink.contained(page.listings.map(\.id))
    let batches = Self.batches(of: page.listings.filter { !present.contains($0.id) })
    guard !batches.isEmpty else { return false }
    var isHeld = false
    do {
      var fetched = try await fetch(batches[0])
      for next in batches.dropFirst() {
        async let coming = fetch(next)
        isHeld = try await store(fetched, into: &report) || isHeld
        try await progress(report, false)
        fetched = try await coming
      }
      isHeld = try await store(fetched, into: &report) || isHeld
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.closed, "\(error)")
    }
    return isHeld
  }

  private struct Fetched: Sendable {
    var wanted: [EntryID]
    var entries: [Entry]
  }

  /// Asks for a batch, and again for the rest of a short answer as long as answers bring something.
  private func fetch(_ ids: [EntryID]) async throws(StoreError) -> Fetched {
    var rest = ids
    var entries: [Entry] = []
    while !rest.isEmpty {
      // What was not asked for does not count as an answer, or a source could keep this going for ever.
      let wanted = Set(rest)
      let answer = try await source.entries(rest).filter { wanted.contains($0.header.id(in: sink.workspace)) }
      guard !answer.isEmpty else { break }
      entries += answer
      let got = Set(answer.map { $0.header.id(in: sink.workspace) })
      rest.removeAll(where: got.contains)
    }
    return Fetched(wanted: ids, entries: entries)
  }

  /// - Returns: Whether something of the batch has to be asked for again.
  private func store(_ fetched: Fetched, into report: inout PullReport) async throws(StoreError) -> Bool {
    report.missingCount += fetched.wanted.count - fetched.entries.count
    var isHeld = fetched.entries.count < fetched.wanted.count
    var outcomes: [PutOutcome] = []
    // What a source listed as small may come large.
    for put in StoreLimits.puts(of: fetched.entries) { outcomes += try await sink.put(Array(put), from: origin) }
    for (entry, outcome) in zip(fetched.entries, outcomes) {
      switch outcome {
      case .stored:
        report.storedCount += 1
        report.storedByteCount += entry.encodedByteCount
      case .duplicate: report.duplicateCount += 1
      case .refused(let code):
        report.refusals[code, default: 0] += 1
        // Its author may yet turn out to be a member; every other refusal is for good.
        if code == .unknownAuthor { isHeld = true }
      }
    }
    return isHeld
  }

  private static func batches(of listings: [EntryListing]) -> [[EntryID]] {
    var batches: [[EntryID]] = []
    var batch: [EntryID] = []
    var byteCount = 0
    for listing in listings {
      if !batch.isEmpty, byteCount + listing.byteCount > batchByteCount || batch.count == batchEntryCount {
        batches.append(batch)
        batch = []
        byteCount = 0
      }
      batch.append(listing.id)
      byteCount += listing.byteCount
    }
    if !batch.isEmpty { batches.append(batch) }
    return batches
  }
}

extension LocalStore {
  /// Brings everything that `source` has and this store lacks into this one.
  public func pull(
    from source: any ContentAddressedStore, since cursor: StoreCursor? = nil
  ) async throws(StoreError)
    -> PullReport
  {
    try await EntryPull(from: source, into: self).run(since: cursor)
  }

  /// Brings everything that this store has and `target` lacks into that one.
  public func push(
    to target: any ContentAddressedStore, since cursor: StoreCursor? = nil
  ) async throws(StoreError)
    -> PushReport
  {
    try await EntryPush(from: self, into: target).run(since: cursor)
  }
}
