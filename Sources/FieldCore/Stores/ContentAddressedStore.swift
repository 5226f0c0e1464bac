public import SetReconciliation

/// A workspace's entries, wherever they are: on this machine's disk, in memory, or at a peer. The same calls with the
/// same meaning for all of them, so that one sync works between any two.
///
/// Entries are immutable and named by what they say; a store only ever gains entries, except by
/// ``purge(document:in:)``. Every entry that a store hands out was verified when it came in.
///
/// Calls take at most what ``StoreLimits`` says and otherwise throw ``StoreError`` with `tooLarge`.
public protocol ContentAddressedStore: Sendable {
  var workspace: WorkspaceID { get }

  /// Verifies and stores entries: content hash, signature, then the author's membership, and all of it in one
  /// transaction. Directory entries are taken first, whatever their place, since they decide about the others.
  ///
  /// - Returns: One outcome for each entry, in the order given. An entry that is `stored` or `duplicate` is on disk.
  func put(_ entries: [Entry]) async throws(StoreError) -> [PutOutcome]

  /// The entries with these ids; ones that are not there are left out, and the order is that of `ids`. A prefix of what
  /// was asked comes back where all of it is over ``StoreLimits/batchByteCount``; it has at least one entry if any is
  /// there.
  func entries(_ ids: [EntryID]) async throws(StoreError) -> [Entry]

  /// The headers of the entries with these ids; ones that are not there are left out.
  func headers(_ ids: [EntryID]) async throws(StoreError) -> [EntryID: EntryHeader]

  /// Those of `ids` that are there.
  func contained(_ ids: [EntryID]) async throws(StoreError) -> Set<EntryID>

  /// The entries that arrived after `cursor`, in the order of arrival, whatever they say about their own age.
  ///
  /// - Parameters:
  ///   - cursor: Exclusive. `nil`, or one of another epoch, starts at the beginning.
  ///   - limit: At most ``StoreLimits/idCount`` listings.
  func scan(since cursor: StoreCursor?, limit: Int, filter: EntryFilter) async throws(StoreError) -> ScanPage

  /// The pages of ``scan(since:limit:filter:)`` one after the other, up to what is the end when it is reached.
  func pages(since cursor: StoreCursor?, filter: EntryFilter) async throws(StoreError) -> any PageSource

  /// Brings the entries with these ids, in that order and as they come; ones that are not there are left out, and the
  /// answer may be short. Those with larger payloads than `inlineByteCount` may come without them.
  func fetch(
    _ ids: [EntryID], inlineByteCount: Int, body: (ReceivedEntry) async throws(StoreError) -> Void
  ) async throws(StoreError)

  /// Goes through the order of arrival to its end: entries that the asker surely lacks come, and others are listed. In
  /// what comes between two pages dependencies come before what depends on them.
  func pull(
    _ query: PullQuery, body: (PulledItem) async throws(StoreError) -> Void
  ) async throws(StoreError)

  /// Brings the payloads of entries, each from where the asker's copy ends if that is how it begins, else from its
  /// start. Ones that are not there are left out.
  func contents(
    _ items: [ContentRequest.Item], body: (ContentEvent) async throws(StoreError) -> Void
  ) async throws(StoreError)

  func head() async throws(StoreError) -> StoreHead

  /// A keyed filter over the ids in `scope`, for a peer to find what is surely missing here.
  func bloomSummary(
    of scope: EntryFilter.Scope, key: SummaryKey, bitsPerEntry: Int
  ) async throws(StoreError) -> BloomSummary

  /// The entries that `start` depends on, oldest first, `start` last. An entry of kind `stop` is included and not
  /// followed. Entries that are not there are left out.
  func dependencies(
    of start: EntryID, stoppingAt stop: EntryKind?, maximumDepth: Int
  ) async throws(StoreError) -> [EntryID]

  /// Forgets a document: its entries go, their payloads too unless other entries share them, and they are refused from
  /// then on. The order of arrival goes on where it was.
  ///
  /// - Returns: How many entries went.
  func purge(document: DocumentID, in database: DatabaseID) async throws(StoreError) -> Int
}

/// Pages that come one by one, at the reader's pace.
public protocol PageSource: Sendable {
  /// `nil` after the last page.
  mutating func next() async throws(StoreError) -> ScanPage?
}

/// The pages of a store that answers one scan at a time.
public struct SteppedPages<Store: ContentAddressedStore>: PageSource {
  private let store: Store
  private var cursor: StoreCursor?
  private let filter: EntryFilter
  private var isOver = false

  init(store: Store, cursor: StoreCursor?, filter: EntryFilter) {
    self.store = store
    self.cursor = cursor
    self.filter = filter
  }

  public mutating func next() async throws(StoreError) -> ScanPage? {
    guard !isOver else { return nil }
    let page = try await store.scan(since: cursor, limit: StoreLimits.idCount, filter: filter)
    cursor = page.next
    isOver = !page.hasMore
    return page
  }
}

extension ContentAddressedStore {
  public func pages(since cursor: StoreCursor?, filter: EntryFilter) async throws(StoreError) -> any PageSource {
    SteppedPages(store: self, cursor: cursor, filter: filter)
  }
}
