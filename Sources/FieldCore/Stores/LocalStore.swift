public import FieldWire
public import Sodium

/// A store on this machine: it can also write entries of this device's own, tell of changes, and remember peers.
public protocol LocalStore: ContentAddressedStore {
  /// Gives the drafts their places in the device's chains, signs and stores them, in one transaction, on disk when it
  /// returns.
  ///
  /// - Throws: ``StoreError`` with `refused` when the device may not write them; then none is stored.
  func append(_ drafts: [EntryDraft], signedBy keyPair: SigningKeyPair) async throws(StoreError) -> [VerifiedEntry]

  /// As ``ContentAddressedStore/put(_:)``, remembering where the entries came from; see ``EntryFilter/notFrom``.
  func put(_ entries: [Entry], from source: EntrySource?) async throws(StoreError) -> [PutOutcome]

  /// The directory as of the entries that are here.
  func directory() async throws(StoreError) -> Directory

  /// Count and digest of each database that has entries, the directory's included.
  func databases() async throws(StoreError) -> [DatabaseID: StoreHead]

  /// The head now and after each change, by any process; several changes may come as one.
  func changes() -> AsyncStream<StoreHead>

  /// The first entry with this payload in `database`, where there is one; `author`'s alone where one is named.
  func entry(
    withContent hash: ContentHash, in database: DatabaseID, by author: DeviceKey?
  ) async throws(StoreError) -> EntryID?

  /// Where the author's chain in each database ends, as far as its entries have come here.
  func lastSequences(of author: DeviceKey) async throws(StoreError) -> [DatabaseID: UInt64]

  /// How far the authors' chains have come here, of at most ``KnownChains/limit`` chains.
  func knownChains() async throws(StoreError) -> KnownChains

  /// A payload that some entry here has.
  func payload(of content: ContentHash) async throws(StoreError) -> [UInt8]?

  /// What was kept of a payload that has not come completely; empty for nothing. Nobody vouches for it.
  func partialPayload(of content: ContentHash) async throws(StoreError) -> [UInt8]

  /// Keeps a piece of a payload, on disk when it returns, within ``PartialLimits``: until its entry is stored, or
  /// ``PartialLimits/lifetime`` after its last piece. A piece that does not go on where what is kept ends is left out.
  func keep(_ piece: PartialPiece) async throws(StoreError)

  /// Makes room for an entry that is about to come, where ``StoreQuota`` bounds the store.
  ///
  /// - Returns: Why there is none; `nil` where there is.
  func makeRoom(for header: EntryHeader, from source: EntrySource?) async throws(StoreError) -> EntryError.Code?

  func dropPartial(of content: ContentHash) async throws(StoreError)

  func peerRecord(of device: DeviceKey) async throws(StoreError) -> PeerRecord?
  func setPeerRecord(_ record: PeerRecord, of device: DeviceKey) async throws(StoreError)

  /// What this store and the device's have both held, newest first, at most ``StoreLimits/baseCount``; only what still
  /// means something in this epoch.
  func bases(with device: DeviceKey) async throws(StoreError) -> [BaseRecord]
  /// Remembers a base; the oldest goes.
  func addBase(_ base: BaseRecord, with device: DeviceKey) async throws(StoreError)

  /// Goes once through the ids of the entries in `scope`, as of one moment, in pieces of some hundred and in no
  /// particular order. What it takes in memory does not grow with the store.
  ///
  /// - Returns: `state` with everything absorbed.
  func pass<State: Sendable>(
    over scope: ArrivalScope, into state: State, _ absorb: @escaping @Sendable (inout State, [EntryID]) -> Void
  ) async throws(StoreError) -> State

  /// What a scan would say of the entries with these ids, in the order of their arrival; ones that are not there are
  /// left out.
  func listings(of ids: [EntryID]) async throws(StoreError) -> [EntryListing]

  /// How many entries there are in `scope`.
  func count(in scope: ArrivalScope) async throws(StoreError) -> UInt64
}

extension LocalStore {
  public func put(_ entries: [Entry]) async throws(StoreError) -> [PutOutcome] { try await put(entries, from: nil) }

  public func entry(withContent hash: ContentHash, in database: DatabaseID) async throws(StoreError) -> EntryID? {
    try await entry(withContent: hash, in: database, by: nil)
  }

  public func makeRoom(
    for header: EntryHeader, from source: EntrySource?
  ) async throws(StoreError) -> EntryError.Code? { nil }
}
