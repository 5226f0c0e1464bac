public import FieldCore
public import SetReconciliation
public import Sodium

/// A store that fails when told: to see that callers keep their promises when a disk does not.
///
/// Calls are counted from zero, over all functions of the protocol that can throw.
public struct FaultyStore: LocalStore {
  public struct Fault: Sendable {
    public enum Moment: Sendable {
      /// Nothing was done.
      case before
      /// It was done, and the caller does not learn it.
      case after
    }

    public var error: StoreError
    public var moment: Moment

    public init(_ error: StoreError = StoreError(.cannotWrite, "a fault of the test"), _ moment: Moment = .before) {
      self.error = error
      self.moment = moment
    }
  }

  private struct State: Sendable {
    var callCount = 0
    var plan: @Sendable (Int) -> Fault?
  }

  private let store: any LocalStore
  private let state: Monitor<State>

  /// - Parameter plan: The fault of a call, by its number.
  public init(_ store: any LocalStore, plan: @escaping @Sendable (Int) -> Fault? = { _ in nil }) {
    self.store = store
    state = Monitor(State(plan: plan))
  }

  /// Fails one call.
  public init(_ store: any LocalStore, failingCall number: Int, fault: Fault = Fault()) {
    self.init(store) { $0 == number ? fault : nil }
  }

  public var callCount: Int { state.withLock { $0.callCount } }

  /// Another plan from now on; the count goes on.
  public func setPlan(_ plan: @escaping @Sendable (Int) -> Fault?) { state.withLock { $0.plan = plan } }

  private func attempt<Value>(_ body: () async throws(StoreError) -> Value) async throws(StoreError) -> Value {
    let fault = state.withLock { state in
      defer { state.callCount += 1 }
      return state.plan(state.callCount)
    }
    if let fault, fault.moment == .before { throw fault.error }
    let value = try await body()
    if let fault { throw fault.error }
    return value
  }

  public var workspace: WorkspaceID { store.workspace }

  public func changes() -> AsyncStream<StoreHead> { store.changes() }

  public func put(_ entries: [Entry], from source: EntrySource?) async throws(StoreError) -> [PutOutcome] {
    try await attempt { () async throws(StoreError) in try await store.put(entries, from: source) }
  }

  public func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry] {
    try await attempt { () async throws(StoreError) in try await store.entries(ids) }
  }

  public func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader] {
    try await attempt { () async throws(StoreError) in try await store.headers(ids) }
  }

  public func listings(of ids: [EntryID]) async throws(StoreError) -> [EntryListing] {
    try await attempt { () async throws(StoreError) in try await store.listings(of: ids) }
  }

  public func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID> {
    try await attempt { () async throws(StoreError) in try await store.contained(ids) }
  }

  public func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage {
    try await attempt { () async throws(StoreError) in try await store.scan(since: cursor, limit: limit, filter: filter)
    }
  }

  public func pages(since cursor: StoreCursor?, filter: EntryFilter) async throws(StoreError) -> any PageSource {
    try await attempt { () async throws(StoreError) in try await store.pages(since: cursor, filter: filter) }
  }

  public func head() async throws(StoreError) -> StoreHead {
    try await attempt { () async throws(StoreError) in try await store.head() }
  }

  public func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError)
    -> BloomSummary
  {
    try await attempt { () async throws(StoreError) in
      try await store.bloomSummary(of: scope, key: key, bitsPerEntry: bitsPerEntry)
    }
  }

  public func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError)
    -> [EntryID]
  {
    try await attempt { () async throws(StoreError) in
      try await store.dependencies(of: start, stoppingAt: stop, maximumDepth: maximumDepth)
    }
  }

  public func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int {
    try await attempt { () async throws(StoreError) in try await store.purge(document: document, in: database) }
  }

  public func append(
    _ drafts: [EntryDraft], signedBy keyPair: SigningKeyPair
  ) async throws(StoreError) -> [VerifiedEntry] {
    try await attempt { () async throws(StoreError) in try await store.append(drafts, signedBy: keyPair) }
  }

  public func directory() async throws(StoreError) -> Directory {
    try await attempt { () async throws(StoreError) in try await store.directory() }
  }

  public func databases() async throws(StoreError) -> [DatabaseID: StoreHead] {
    try await attempt { () async throws(StoreError) in try await store.databases() }
  }

  public func entry(
    withContent hash: ContentHash, in database: DatabaseID, by author: DeviceKey?
  ) async throws(StoreError) -> EntryID? {
    try await attempt { () async throws(StoreError) in
      try await store.entry(withContent: hash, in: database, by: author)
    }
  }

  public func lastSequences(of author: DeviceKey) async throws(StoreError) -> [DatabaseID: UInt64] {
    try await attempt { () async throws(StoreError) in try await store.lastSequences(of: author) }
  }

  public func knownChains() async throws(StoreError) -> KnownChains {
    try await attempt { () async throws(StoreError) in try await store.knownChains() }
  }

  public func payload(of content: ContentHash) async throws(StoreError) -> [UInt8]? {
    try await attempt { () async throws(StoreError) in try await store.payload(of: content) }
  }

  public func partialPayload(of content: ContentHash) async throws(StoreError) -> [UInt8] {
    try await attempt { () async throws(StoreError) in try await store.partialPayload(of: content) }
  }

  public func keep(_ piece: PartialPiece) async throws(StoreError) {
    try await attempt { () async throws(StoreError) in try await store.keep(piece) }
  }

  public func dropPartial(of content: ContentHash) async throws(StoreError) {
    try await attempt { () async throws(StoreError) in try await store.dropPartial(of: content) }
  }

  public func peerRecord(of device: DeviceKey) async throws(StoreError) -> PeerRecord? {
    try await attempt { () async throws(StoreError) in try await store.peerRecord(of: device) }
  }

  public func setPeerRecord(_ record: PeerRecord, of device: DeviceKey) async throws(StoreError) {
    try await attempt { () async throws(StoreError) in try await store.setPeerRecord(record, of: device) }
  }

  public func bases(with device: DeviceKey) async throws(StoreError) -> [BaseRecord] {
    try await attempt { () async throws(StoreError) in try await store.bases(with: device) }
  }

  public func addBase(_ base: BaseRecord, with device: DeviceKey) async throws(StoreError) {
    try await attempt { () async throws(StoreError) in try await store.addBase(base, with: device) }
  }

  public func pass<State: Sendable>(
    over scope: ArrivalScope, into state: State, _ absorb: @escaping @Sendable (inout State, [EntryID]) -> Void
  ) async throws(StoreError) -> State {
    try await attempt { () async throws(StoreError) in try await store.pass(over: scope, into: state, absorb) }
  }

  public func count(in scope: ArrivalScope) async throws(StoreError) -> UInt64 {
    try await attempt { () async throws(StoreError) in try await store.count(in: scope) }
  }
}
