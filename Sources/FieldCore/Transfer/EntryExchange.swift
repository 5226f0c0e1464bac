/// What follows a reconciliation on its stream: each side sends the entries that the other lacks, at the same time, and
/// ends. Nothing is listed and nothing is asked for: both know.
struct EntryExchange: Sendable {
  /// Larger entries are only named; the receiver fetches them where and when it likes, whole or in pieces.
  static let smallEntryByteCount = 16 << 10
  /// What is only named is fetched once it is this much: how much a peer names is the peer's to say.
  static let namedEntryCount = 4096

  let store: any LocalStore
  let stream: SessionStream
  let served: ServedCount
  /// What the peer says that it does not take; may grow while this sends.
  let refusedByPeer: RefusalRecord
  /// Hears what became of each group.
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
      var run = MessageRun(on: stream)
      for entry in entries where entry.header.kind == .directory || !refusedByPeer.refuses(entry.header.author) {
        let message = encoder.message(entry)
        try await run.send(message)
        served.add(entries: 1, bytes: message.body.count)
      }
      try await run.flush()
    }
  }

  // MARK: Receiving

  /// Takes in what the peer sends, up to the end of its side. What came before a cut is stored.
  ///
  /// - Parameters:
  ///   - count: Entries that will come.
  ///   - fetchNamed: Takes the entries that were only named, ``namedEntryCount`` or so at a time, and says how many of
  ///     them are missing. What came before them is stored.
  ///   - progress: Called after each group with the report so far.
  func receive(
    count: UInt64, from origin: EntrySource?, fetchNamed: @Sendable ([EntryID]) async throws -> Int,
    progress: @escaping @Sendable (PullReport) async -> Void
  ) async throws -> PullReport {
    let receiver = EntryReceiver(into: store, origin: origin) { group, total throws(StoreError) in
      await didStore(group)
      await progress(total)
    }
    var named: [EntryID] = []
    var received: UInt64 = 0
    var decoder = EntryDecoder(workspace: store.workspace)
    func fetchWhatWasNamed() async throws {
      try await receiver.finish()
      guard !named.isEmpty else { return }
      await receiver.note(missing: try await fetchNamed(named))
      named = []
    }
    do {
      while let message = try await stream.receive() {
        if message.type == .identifiers {
          let ids = try message.decode(IdentifiersReply.self).ids
          received += UInt64(ids.count)
          named += ids
        } else {
          try await receiver.receive(try decoder.decodeWhole(message))
          received += 1
        }
        // One in a thousand of what is asked for by short id brings another entry along.
        guard received <= count + count / 8 + 16 else {
          throw SessionError(.protocolViolation, "more entries than were announced")
        }
        if named.count >= Self.namedEntryCount { try await fetchWhatWasNamed() }
      }
    } catch {
      try? await receiver.finish()
      throw error
    }
    try await fetchWhatWasNamed()
    await receiver.note(missing: received < count ? Int(clamping: count - received) : 0)
    return await receiver.report
  }
}
