public import FieldWire
public import SetReconciliation
public import Sodium
import Synchronization

/// A store without a disk: for tests, simulations and short-lived tools. It keeps the same contract as a store on disk,
/// except that its entries end with it.
public final class InMemoryStore: LocalStore {
  public let workspace: WorkspaceID
  private let state: Mutex<State>
  private let now: @Sendable () -> Duration
  private let scanRowLimit: Int
  /// Held while listeners are told, so that heads come to them in order. Never the state's lock: a listener that is
  /// cancelled takes that one while its own task is locked, and telling it locks its task.
  private let announcing = Mutex(())

  private struct Place {
    var entry: VerifiedEntry
    var arrival: UInt64
    var source: EntrySource?
  }

  private struct Total {
    var arrival: UInt64 = 0
    var entryCount: UInt64 = 0
    var digest = SetDigest()

    mutating func insert(_ id: EntryID, arrival: UInt64) {
      self.arrival = arrival
      entryCount += 1
      digest.insert(id)
    }

    mutating func remove(_ id: EntryID) {
      entryCount -= 1
      digest.remove(id)
    }

    func head(_ epoch: StoreEpoch) -> StoreHead {
      StoreHead(epoch: epoch, arrival: arrival, entryCount: entryCount, digest: digest.value)
    }
  }

  private struct Document: Hashable {
    var database: DatabaseID
    var document: DocumentID
  }

  private struct State {
    let epoch: StoreEpoch
    var directory: Directory
    var places: [EntryID: Place] = [:]
    /// In ascending order of arrival.
    var order: [(arrival: UInt64, id: EntryID)] = []
    var total = Total()
    var totals: [DatabaseID: Total] = [:]
    /// The entries with a payload, oldest first.
    var contents: [ContentHash: [EntryID]] = [:]
    var chains: [Chain: ChainLink] = [:]
    var purged: Set<Document> = []
    /// What the directory does not admit any more.
    var aside: [EntryID: (entry: VerifiedEntry, source: EntrySource?)] = [:]
    var partials: [ContentHash: (bytes: [UInt8], kept: PartialLimits.Kept)] = [:]
    var peers: [DeviceKey: PeerRecord] = [:]
    var bases: [DeviceKey: [BaseRecord]] = [:]
    var listeners: [UInt64: AsyncStream<StoreHead>.Continuation] = [:]
    var listenerCount: UInt64 = 0

    var head: StoreHead { total.head(epoch) }

    mutating func insert(_ entry: VerifiedEntry, from source: EntrySource?) {
      let header = entry.header
      let arrival = total.arrival + 1
      places[entry.id] = Place(entry: entry, arrival: arrival, source: source)
      order.append((arrival, entry.id))
      total.insert(entry.id, arrival: arrival)
      totals[header.database, default: Total()].insert(entry.id, arrival: arrival)
      contents[header.contentHash, default: []].append(entry.id)
      partials[header.contentHash] = nil
      let chain = header.chain
      if header.sequence > chains[chain]?.sequence ?? 0 {
        chains[chain] = ChainLink(sequence: header.sequence, id: entry.id)
      }
    }

    mutating func remove(_ id: EntryID) {
      guard let header = places.removeValue(forKey: id)?.entry.header else { return }
      total.remove(id)
      totals[header.database]?.remove(id)
      contents[header.contentHash]?.removeAll { $0 == id }
      if contents[header.contentHash]?.isEmpty == true { contents[header.contentHash] = nil }
    }

    func listing(_ id: EntryID) -> EntryListing? {
      guard let place = places[id] else { return nil }
      let entry = place.entry.entry
      return EntryListing(
        id: id, kind: entry.header.kind, byteCount: entry.encodedByteCount, arrival: place.arrival)
    }

    /// See ``EntryIntake``.
    mutating func readmit(_ authors: Set<DeviceKey>, _ directory: Directory) {
      let present = places.values.filter {
        authors.contains($0.entry.header.author) && $0.entry.header.kind != .directory
      }
      for place in present where (try? directory.admit(place.entry.header)) == nil {
        remove(place.entry.id)
        aside[place.entry.id] = (place.entry, place.source)
      }
      order.removeAll { places[$0.id] == nil }
      let returning = aside.values.filter {
        authors.contains($0.entry.header.author) && (try? directory.admit($0.entry.header)) != nil
      }
      for (entry, source) in returning.sorted(by: { $0.entry.id < $1.entry.id }) {
        aside[entry.id] = nil
        if !isPurged(entry.header) { insert(entry, from: source) }
      }
    }

    func isPurged(_ header: EntryHeader) -> Bool {
      purged.contains(Document(database: header.database, document: header.document))
    }

    /// Where the entries after `arrival` begin in the order.
    func firstIndex(after arrival: UInt64) -> Int {
      var low = 0
      var high = order.count
      while low < high {
        let middle = (low + high) / 2
        if order[middle].arrival > arrival { high = middle } else { low = middle + 1 }
      }
      return low
    }
  }

  /// - Parameters:
  ///   - scanRowLimit: Entries that a scan looks at before it ends with what it has.
  ///   - now: The time since any fixed moment, for the lifetime of partial payloads.
  public init(
    workspace: WorkspaceID, epoch: StoreEpoch = StoreEpoch(rawValue: .random(in: 0...UInt64.max)),
    scanRowLimit: Int = .max,
    now: @escaping @Sendable () -> Duration = { .zero }
  ) {
    self.workspace = workspace
    self.scanRowLimit = scanRowLimit
    self.now = now
    state = Mutex(State(epoch: epoch, directory: Directory(workspace: workspace)))
  }

  deinit {
    state.withLock { state in
      for listener in state.listeners.values { listener.finish() }
    }
  }

  public func put(_ entries: [Entry], from source: EntrySource?) async throws(StoreError) -> [PutOutcome] {
    try StoreLimits.checkPut(entryCount: entries.count, byteCount: entries.reduce(0) { $0 + $1.encodedByteCount })
    let candidates = entries.map { entry in
      Result { () throws(EntryError) in try VerifiedEntry(verifying: entry, in: workspace) }
    }
    let outcomes = state.withLock { state in
      var directory = state.directory
      let outcomes = EntryIntake.outcomes(
        of: candidates, directory: &directory, isPresent: { state.places[$0] != nil },
        isPurged: { state.isPurged($0) }, noRoom: { _, _ in nil }, insert: { state.insert($0, from: source) },
        readmit: { state.readmit($0, $1) })
      state.directory = directory
      return outcomes
    }
    if outcomes.contains(.stored) { announce() }
    return outcomes
  }

  private func announce() {
    announcing.withLock { _ in
      let (head, listeners) = state.withLock { ($0.head, Array($0.listeners.values)) }
      for listener in listeners { listener.yield(head) }
    }
  }

  public func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] {
    try StoreLimits.checkIDCount(ids.count)
    return state.withLock { state in
      var entries: [Entry] = []
      var byteCount = 0
      for id in ids {
        guard let entry = state.places[id]?.entry.entry else { continue }
        byteCount += entry.encodedByteCount
        if byteCount > StoreLimits.batchByteCount, !entries.isEmpty { break }
        entries.append(entry)
      }
      return entries
    }
  }

  public func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] {
    try StoreLimits.checkIDCount(ids.count)
    return state.withLock { state in
      ids.reduce(into: [:]) { $0[$1] = state.places[$1]?.entry.header }
    }
  }

  public func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> {
    try StoreLimits.checkIDCount(ids.count)
    return state.withLock { state in Set(ids.filter { state.places[$0] != nil }) }
  }

  public func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    try StoreLimits.checkIDCount(limit)
    return state.withLock { state in
      let start = cursor.map { $0.epoch == state.epoch ? $0.arrival : 0 } ?? 0
      var listings: [EntryListing] = []
      var last = start
      let first = state.firstIndex(after: start)
      for index in first..<state.order.count {
        let (arrival, id) = state.order[index]
        if let before = filter.before, arrival >= before { break }
        if listings.count >= max(1, limit) || index - first >= scanRowLimit {
          return ScanPage(listings: listings, next: StoreCursor(epoch: state.epoch, arrival: last), hasMore: true)
        }
        last = arrival
        guard let place = state.places[id], filter.notFrom == nil || place.source != filter.notFrom,
          filter.admits(place.entry.header, id: id)
        else { continue }
        let entry = place.entry
        listings.append(
          EntryListing(id: id, kind: entry.header.kind, byteCount: entry.entry.encodedByteCount, arrival: arrival))
      }
      return ScanPage(
        listings: listings,
        next: StoreCursor(epoch: state.epoch, arrival: filter.end(after: start, of: state.total.arrival)),
        hasMore: false)
    }
  }

  public func listings(of ids: [EntryID]) async throws(StoreError) -> [EntryListing] {
    try StoreLimits.checkIDCount(ids.count)
    return state.withLock { state in ids.compactMap { state.listing($0) } }.sorted { $0.arrival < $1.arrival }
  }

  public func head() async throws(StoreError) -> StoreHead { state.withLock(\.head) }

  public func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError)
    -> BloomSummary
  {
    state.withLock { state in
      let filter = EntryFilter(scope: scope)
      let ids = state.order.map(\.id).filter { id in
        state.places[id].map { filter.admits($0.entry.header, id: id) } ?? false
      }
      var summary = BloomSummary(entryCount: ids.count, bitsPerEntry: bitsPerEntry, key: key)
      for id in ids { summary.insert(id.words) }
      return summary
    }
  }

  public func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError)
    -> [EntryID]
  {
    try StoreLimits.checkDepth(maximumDepth)
    let places = state.withLock(\.places)
    do {
      return try DependencyWalk.ids(from: start, stoppingAt: stop, maximumDepth: maximumDepth) { id in
        places[id].map { ($0.entry.header.kind, $0.entry.header.dependencies) }
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.damaged, "\(error)")
    }
  }

  public func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int {
    guard document != .zero else {
      throw StoreError(.refused, "directory entries and blob chunks belong to no document")
    }
    let count = state.withLock { state in
      let ids = state.places.values.map(\.entry).filter {
        $0.header.document == document && $0.header.database == database
      }.map(\.id)
      for id in ids { state.remove(id) }
      state.order.removeAll { state.places[$0.id] == nil }
      state.purged.insert(Document(database: database, document: document))
      return ids.count
    }
    if count > 0 { announce() }
    return count
  }

  public func append(
    _ drafts: [EntryDraft], signedBy keyPair: SigningKeyPair
  ) async throws(StoreError)
    -> [VerifiedEntry]
  {
    try StoreLimits.checkPut(entryCount: drafts.count, byteCount: drafts.reduce(0) { $0 + $1.payload.count })
    guard let author = DeviceKey(keyPair.publicKey) else { throw StoreError(.refused, "a key of the wrong size") }
    let result = state.withLock { state in
      Result { () throws(EntryError) -> [VerifiedEntry] in
        var directory = state.directory
        var chains: [DatabaseID: ChainLink] = [:]
        var entries: [VerifiedEntry] = []
        for draft in drafts {
          let chain = chains[draft.database] ?? state.chains[Chain(author: author, database: draft.database)]
          let entry = try draft.sign(with: keyPair, following: chain, in: workspace)
          try EntryIntake.admitOwn(entry, to: &directory, isPurged: state.isPurged(entry.header))
          chains[draft.database] = ChainLink(sequence: entry.header.sequence, id: entry.id)
          entries.append(entry)
        }
        for entry in entries { state.insert(entry, from: nil) }
        let authors = directory.authorsAdmittedOtherwise(than: state.directory)
        if !authors.isEmpty { state.readmit(authors, directory) }
        state.directory = directory
        return entries
      }
    }
    switch result {
    case .success(let entries):
      if !entries.isEmpty { announce() }
      return entries
    case .failure(let error): throw StoreError(refusing: error)
    }
  }

  public func directory() async throws(StoreError) -> Directory { state.withLock(\.directory) }

  public func databases() async throws(StoreError) -> [DatabaseID: StoreHead] {
    state.withLock { state in
      state.totals.filter { $0.value.entryCount > 0 }.mapValues { $0.head(state.epoch) }
    }
  }

  public func changes() -> AsyncStream<StoreHead> {
    let (stream, continuation) = AsyncStream.makeStream(of: StoreHead.self, bufferingPolicy: .bufferingNewest(1))
    let key = state.withLock { state in
      state.listenerCount += 1
      state.listeners[state.listenerCount] = continuation
      continuation.yield(state.head)
      return state.listenerCount
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[key] = nil } }
    return stream
  }

  public func entry(
    withContent hash: ContentHash, in database: DatabaseID, by author: DeviceKey?
  ) async throws(StoreError) -> EntryID? {
    state.withLock { state in
      state.contents[hash]?.first { id in
        guard let header = state.places[id]?.entry.header else { return false }
        return header.database == database && author.map { $0 == header.author } ?? true
      }
    }
  }

  public func lastSequences(of author: DeviceKey) async throws(StoreError) -> [DatabaseID: UInt64] {
    state.withLock { state in
      state.chains.reduce(into: [:]) { if $1.key.author == author { $0[$1.key.database] = $1.value.sequence } }
    }
  }

  public func knownChains() async throws(StoreError) -> KnownChains {
    state.withLock { state in
      let chains = state.chains.prefix(KnownChains.limit).map { ($0.key, $0.value.sequence) }
      return KnownChains(
        ends: Dictionary(chains, uniquingKeysWith: max), isComplete: state.chains.count <= KnownChains.limit)
    }
  }

  public func payload(of content: ContentHash) async throws(StoreError) -> [UInt8]? {
    state.withLock { state in state.contents[content]?.first.flatMap { state.places[$0]?.entry.entry.payload } }
  }

  public func partialPayload(of content: ContentHash) async throws(StoreError) -> [UInt8] {
    state.withLock { $0.partials[content]?.bytes ?? [] }
  }

  public func keep(_ piece: PartialPiece) async throws(StoreError) {
    let now = now()
    state.withLock { state in
      let end = piece.offset + piece.bytes.count
      guard end <= piece.payloadByteCount, piece.payloadByteCount <= EntryLimits.payloadByteCount,
        state.contents[piece.content] == nil
      else { return }
      let before = piece.offset == 0 ? [] : state.partials[piece.content]?.bytes ?? []
      guard before.count == piece.offset else { return }
      state.partials[piece.content] = (
        before + piece.bytes,
        PartialLimits.Kept(content: piece.content, source: piece.source, byteCount: end, touched: now)
      )
      for content in PartialLimits.evicted(of: state.partials.values.map(\.kept), now: now) {
        state.partials[content] = nil
      }
    }
  }

  public func dropPartial(of content: ContentHash) async throws(StoreError) {
    state.withLock { $0.partials[content] = nil }
  }

  public func peerRecord(of device: DeviceKey) async throws(StoreError) -> PeerRecord? {
    state.withLock { $0.peers[device] }
  }

  public func setPeerRecord(_ record: PeerRecord, of device: DeviceKey) async throws(StoreError) {
    state.withLock { $0.peers[device] = record }
  }

  public func bases(with device: DeviceKey) async throws(StoreError) -> [BaseRecord] {
    state.withLock { $0.bases[device] ?? [] }
  }

  public func addBase(_ base: BaseRecord, with device: DeviceKey) async throws(StoreError) {
    state.withLock { state in
      let kept = (state.bases[device] ?? []).filter { $0.digest != base.digest && $0.own.epoch == state.epoch }
      state.bases[device] = Array(([base] + kept).prefix(StoreLimits.baseCount))
    }
  }

  public func pass<Absorbed: Sendable>(
    over scope: ArrivalScope, into absorbed: Absorbed, _ absorb: @escaping @Sendable (inout Absorbed, [EntryID]) -> Void
  ) async throws(StoreError) -> Absorbed {
    let ids = state.withLock { state in
      state.order[state.firstIndex(after: scope.after)..<state.firstIndex(after: scope.through)].map(\.id)
    }
    var absorbed = absorbed
    for start in stride(from: 0, to: ids.count, by: StoreLimits.passPieceCount) {
      absorb(&absorbed, Array(ids[start..<min(start + StoreLimits.passPieceCount, ids.count)]))
    }
    return absorbed
  }

  public func count(in scope: ArrivalScope) async throws(StoreError) -> UInt64 {
    state.withLock { UInt64(max(0, $0.firstIndex(after: scope.through) - $0.firstIndex(after: scope.after))) }
  }
}
