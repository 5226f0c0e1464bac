/// What follows a reconciliation on its stream: each side sends the entries that the other lacks, at the same time, and
/// ends. Nothing is listed and nothing is asked for: both know.
struct EntryExchange: Sendable {
  /// Larger entries are only named; the receiver fetches them where and when it likes, whole or in pieces.
  static let smallEntryByteCount = 16 << 10
  /// What is received is stored once it is this much, so that a cut costs little.
  static let storedByteCount = 32 << 10
  static let storedEntryCount = 256
  /// What is only named is fetched once it is this much: how much a peer names is the peer's to say.
  static let namedEntryCount = 4096

  let store: any LocalStore
  let stream: SessionStream
  let served: ServedCount
  /// What the peer says that it does not take; may grow while this sends.
  let refusedByPeer: RefusalRecord
  /// Hears what became of each batch.
  let didStore: @Sendable (PullReport) async -> Void

  // MARK: Sending

  /// Sends directory entries first, since they decide about the others, and names the large ones at the end. In the
  /// order of arrival what depends on another comes behind it, and a chain's entries follow each other, which
  /// ``EntryEncoder`` makes small.
  func send(_ push: ReconcileResult.Push) async throws {
    var large: [EntryID] = []
    var encoder = EntryEncoder(workspace: store.workspace)
    switch push {
    case .all(let scope):
      for kinds in [[EntryKind.directory], nil] as [Set<EntryKind>?] {
        let epoch = try await store.head().epoch
        let filter = EntryFilter(kinds: kinds, before: scope.through &+ 1)
        var pages = try await store.pages(since: StoreCursor(epoch: epoch, arrival: scope.after), filter: filter)
        while let page = try await pages.next() {
          let listings = page.listings.filter { kinds != nil || $0.kind != .directory }
          try await send(
            listings.filter { $0.byteCount <= Self.smallEntryByteCount }.map(\.id), by: &encoder)
          large += listings.filter { $0.byteCount > Self.smallEntryByteCount }.map(\.id)
        }
      }
    case .ids(let ids):
      var places: [Place] = []
      places.reserveCapacity(ids.count)
      for start in stride(from: 0, to: ids.count, by: StoreLimits.idCount) {
        let piece = ids[start..<min(start + StoreLimits.idCount, ids.count)]
        let indexes = Dictionary(zip(piece, piece.indices)) { first, _ in first }
        for listing in try await store.listings(of: Array(piece)) {
          if let index = indexes[listing.id] { places.append(Place(listing, index)) }
        }
      }
      places.sort { $0.rank < $1.rank }
      for start in stride(from: 0, to: places.count, by: StoreLimits.idCount) {
        let piece = places[start..<min(start + StoreLimits.idCount, places.count)]
        try await send(piece.filter { !$0.isLarge }.map { ids[Int($0.index)] }, by: &encoder)
        large += piece.filter(\.isLarge).map { ids[Int($0.index)] }
      }
    }
    for start in stride(from: 0, to: large.count, by: StoreLimits.idCount) {
      let piece = Array(large[start..<min(start + StoreLimits.idCount, large.count)])
      try await stream.send(Message(IdentifiersReply(ids: piece)))
    }
    await stream.end()
  }

  /// When an entry of a long list has its turn, in 16 bytes: who is behind by all of a large store sends them all.
  private struct Place {
    private static let large: UInt64 = 1 << 63
    private static let ordinary: UInt64 = 1 << 62

    /// The arrival, below a bit each for what comes last and for what is not of the directory.
    let rank: UInt64
    let index: Int32

    init(_ listing: EntryListing, _ index: Int) {
      rank =
        (listing.byteCount > EntryExchange.smallEntryByteCount ? Self.large : 0)
        | (listing.kind == .directory ? 0 : Self.ordinary) | (listing.arrival & (Self.ordinary - 1))
      self.index = Int32(clamping: index)
    }

    var isLarge: Bool { rank & Self.large != 0 }
  }

  private func send(_ ids: [EntryID], by encoder: inout EntryEncoder) async throws {
    try await store.eachBatch(of: ids) { entries in
      for entry in entries where entry.header.kind == .directory || !refusedByPeer.refuses(entry.header.author) {
        let message = encoder.message(entry)
        try await stream.send(message)
        served.add(entries: 1, bytes: message.body.count)
      }
    }
  }

  // MARK: Receiving

  /// Takes in what the peer sends, up to the end of its side. What came before a cut is stored.
  ///
  /// - Parameters:
  ///   - count: Entries that will come.
  ///   - fetchNamed: Takes the entries that were only named, ``namedEntryCount`` or so at a time, and says how many of
  ///     them are missing. What came before them is stored.
  ///   - progress: Called after each batch with the report so far.
  func receive(
    count: UInt64, from origin: EntrySource?, fetchNamed: @Sendable ([EntryID]) async throws -> Int,
    progress: @Sendable (PullReport) async -> Void
  ) async throws -> PullReport {
    var report = PullReport()
    var named: [EntryID] = []
    var batch: [Entry] = []
    var byteCount = 0
    var received: UInt64 = 0
    var decoder = EntryDecoder(workspace: store.workspace)
    func flush() async throws {
      guard !batch.isEmpty else { return }
      for put in StoreLimits.puts(of: batch) {
        var batchReport = PullReport()
        batchReport.add(try await store.put(Array(put), from: origin), of: put)
        report.add(batchReport)
        await didStore(batchReport)
      }
      batch = []
      byteCount = 0
      await progress(report)
    }
    func flushNamed() async throws {
      guard !named.isEmpty else { return }
      try await flush()
      report.missingCount += try await fetchNamed(named)
      named = []
    }
    do {
      while let message = try await stream.receive() {
        if message.type == .identifiers {
          let ids = try message.decode(IdentifiersReply.self).ids
          received += UInt64(ids.count)
          named += ids
        } else {
          batch.append(try decoder.decodeWhole(message))
          byteCount += batch[batch.count - 1].encodedByteCount
          received += 1
        }
        // One in a thousand of what is asked for by short id brings another entry along.
        guard received <= count + count / 8 + 16 else {
          throw SessionError(.protocolViolation, "more entries than were announced")
        }
        if byteCount >= Self.storedByteCount || batch.count >= Self.storedEntryCount { try await flush() }
        if named.count >= Self.namedEntryCount { try await flushNamed() }
      }
    } catch {
      try? await flush()
      throw error
    }
    try await flush()
    try await flushNamed()
    report.missingCount += received < count ? Int(clamping: count - received) : 0
    return report
  }
}

extension PullReport {
  /// Counts what became of entries that were put.
  mutating func add(_ outcomes: [PutOutcome], of entries: ArraySlice<Entry>) {
    for (entry, outcome) in zip(entries, outcomes) {
      switch outcome {
      case .stored:
        storedCount += 1
        storedByteCount += entry.encodedByteCount
      case .duplicate: duplicateCount += 1
      case .refused(let code): refused(code, entry.header)
      }
    }
  }
}
