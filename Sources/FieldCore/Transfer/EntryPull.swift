public import SetReconciliation

/// Brings what another store has and this one lacks into this one. Works between any two stores.
///
/// The directory comes first, since it decides about everything else; then small entries, in the order in which they
/// arrived at the source; then large payloads, each from where an earlier pull left off. Where this store surely lacks
/// an entry the source sends it at once; else it lists it, and what is here already, from whatever source, is not
/// fetched again.
public struct EntryPull: Sendable {
  /// Larger payloads come behind everything small.
  public static let inlineByteCount = 16 << 10
  /// What is asked for by id at once.
  public static let batchByteCount = 256 << 10
  static let batchEntryCount = 512
  /// Heads that wait for their payloads before listing goes on.
  static let headLimit = 4096
  /// What naming a chain costs against what listing an entry costs, in bytes.
  private static let chainByteCount: UInt64 = 56
  private static let listingByteCount: UInt64 = 72

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
  /// - Parameters:
  ///   - expectedCount: About as many entries are to be listed; `nil` or 0 if that is not known.
  ///   - deferring: Takes the heads of large entries, to fetch their payloads beside this; `nil`: this fetches them.
  ///     The report is then settled up to the first that was deferred.
  ///   - progress: Called after each group that was stored, and after each page, with the report so far. After a page,
  ///     its ``PullReport/settledThrough`` may be kept as the next pull's cursor: it never moves past an entry that is
  ///     missing.
  public func run(
    since cursor: StoreCursor?, summary: BloomSummary? = nil, expectedCount: UInt64? = nil,
    deferring: (@Sendable ([EntryHead]) async -> Void)? = nil,
    progress: @escaping @Sendable (PullReport, _ isPageDone: Bool) async throws(StoreError) -> Void = {
      _, _ throws(StoreError) in
    }
  ) async throws(StoreError) -> PullReport {
    let receiver = EntryReceiver(into: sink, origin: origin) { _, report throws(StoreError) in
      try await progress(report, false)
    }
    await receiver.note(settled: cursor, covered: nil)
    var heads: [EntryHead] = []
    var isDeferred = false
    do throws(StoreError) {
      for kinds in [[EntryKind.directory], nil] as [Set<EntryKind>?] {
        let query = PullQuery(
          since: cursor, filter: EntryFilter(kinds: kinds, absentFrom: summary),
          chains: try await chains(expectedCount), inlineByteCount: Self.inlineByteCount)
        var settled = cursor
        try await source.pull(query) { item throws(StoreError) in
          switch item {
          case .entry(let entry):
            if kinds == nil { await receiver.note(listed: 1) }
            try await take(entry, receiver, &heads)
            if heads.count >= Self.headLimit {
              isDeferred = try await passOn(&heads, deferring, receiver) || isDeferred
            }
          case .page(let page):
            if kinds == nil { await receiver.note(listed: page.listings.count) }
            try await fetchMissing(of: page.listings, receiver, &heads)
            try await receiver.finish()
            if heads.count >= Self.headLimit || kinds == nil && deferring != nil && !heads.isEmpty {
              isDeferred = try await passOn(&heads, deferring, receiver) || isDeferred
            }
            guard kinds == nil else { return }
            let isHeld = await receiver.report.isHeld
            if !isHeld, !isDeferred, heads.isEmpty { settled = page.next }
            await receiver.note(settled: settled, covered: page.next)
            try await progress(await receiver.report, true)
          }
        }
        try await receiver.finish()
      }
      if !heads.isEmpty {
        try await ContentFetch(from: source, into: sink, origin: origin).run(heads, into: receiver)
        if await !receiver.report.isHeld {
          let covered = await receiver.report.coveredThrough
          await receiver.note(settled: covered, covered: covered)
        }
      }
    } catch {
      try await receiver.finish()
      throw error
    }
    return await receiver.report
  }

  /// Brings entries that the source is known to have, of which the large ones without their payloads.
  ///
  /// - Returns: The heads of the large ones, and how many entries did not come.
  public func heads(
    of ids: [EntryID]
  ) async throws(StoreError) -> (heads: [EntryHead], missingCount: Int) {
    let receiver = EntryReceiver(into: sink, origin: origin)
    var heads: [EntryHead] = []
    do throws(StoreError) {
      for start in stride(from: 0, to: ids.count, by: Self.batchEntryCount) {
        let batch = Array(ids[start..<min(start + Self.batchEntryCount, ids.count)])
        let present = try await sink.contained(batch)
        await receiver.note(missing: try await fetch(batch.filter { !present.contains($0) }, receiver, &heads))
      }
    } catch {
      try await receiver.finish()
      throw error
    }
    try await receiver.finish()
    return (heads, await receiver.report.missingCount)
  }

  /// - Returns: Whether the payloads are fetched by somebody else.
  private func passOn(
    _ heads: inout [EntryHead], _ deferring: (@Sendable ([EntryHead]) async -> Void)?, _ receiver: EntryReceiver
  ) async throws(StoreError) -> Bool {
    defer { heads = [] }
    if let deferring {
      await deferring(heads)
    } else {
      try await ContentFetch(from: source, into: sink, origin: origin).run(heads, into: receiver)
    }
    return deferring != nil
  }

  private func take(
    _ entry: ReceivedEntry, _ receiver: EntryReceiver, _ heads: inout [EntryHead]
  ) async throws(StoreError) {
    switch entry {
    case .whole(let entry): try await receiver.receive(entry)
    case .head(let head): heads.append(head)
    }
  }

  private func fetchMissing(
    of listings: [EntryListing], _ receiver: EntryReceiver, _ heads: inout [EntryHead]
  ) async throws(StoreError) {
    guard !listings.isEmpty else { return }
    let present = try await sink.contained(listings.map(\.id))
    for batch in Self.batches(of: listings.filter { !present.contains($0.id) }) {
      await receiver.note(missing: try await fetch(batch, receiver, &heads))
    }
  }

  /// Asks for a batch, and again for the rest of a short answer as long as answers bring something.
  ///
  /// - Returns: How many did not come.
  private func fetch(
    _ ids: [EntryID], _ receiver: EntryReceiver, _ heads: inout [EntryHead]
  ) async throws(StoreError) -> Int {
    var rest = ids
    while !rest.isEmpty {
      var wanted = Set(rest)
      try await source.fetch(rest, inlineByteCount: Self.inlineByteCount) { entry throws(StoreError) in
        // What was not asked for does not count as an answer, or a source could keep this going for ever.
        guard wanted.remove(entry.header.id(in: sink.workspace)) != nil else { return }
        try await take(entry, receiver, &heads)
      }
      guard wanted.count < rest.count else { break }
      rest.removeAll { !wanted.contains($0) }
    }
    return rest.count
  }

  /// What the source is told of what is here: nothing where that costs more than it saves.
  private func chains(_ expectedCount: UInt64?) async throws(StoreError) -> KnownChains {
    let chains = try await sink.knownChains()
    let cost = UInt64(chains.ends.count) * Self.chainByteCount
    guard let expectedCount, expectedCount > 0 else { return chains }
    return cost <= expectedCount.multipliedReportingOverflow(by: Self.listingByteCount).partialValue
      ? chains : .unknown
  }

  private static func batches(of listings: [EntryListing]) -> [[EntryID]] {
    var batches: [[EntryID]] = []
    var batch: [EntryID] = []
    var byteCount = 0
    for listing in listings {
      // Of a large one the head alone comes.
      let size = listing.byteCount > inlineByteCount ? EntryLimits.fixedHeaderByteCount : listing.byteCount
      if !batch.isEmpty, byteCount + size > batchByteCount || batch.count == batchEntryCount {
        batches.append(batch)
        batch = []
        byteCount = 0
      }
      batch.append(listing.id)
      byteCount += size
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
