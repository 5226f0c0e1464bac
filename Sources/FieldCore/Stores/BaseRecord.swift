/// A set of entries that this store and a peer's both held once: whatever differs now has come since, at either side.
/// Written only after both roots were seen to be equal, and of no use once either store has begun a new epoch.
public struct BaseRecord: Hashable, Sendable {
  /// Count and ``StoreHead/digest`` of that set.
  public var entryCount: UInt64
  public var digest: [UInt8]
  /// This store's place when it held exactly that set, and the peer's.
  public var own: StoreCursor
  public var peer: StoreCursor

  public init(entryCount: UInt64, digest: [UInt8], own: StoreCursor, peer: StoreCursor) {
    self.entryCount = entryCount
    self.digest = digest
    self.own = own
    self.peer = peer
  }

  /// The base that `head` is, with a peer that holds the same.
  public init(head: StoreHead, peer: StoreCursor) {
    self.init(entryCount: head.entryCount, digest: head.digest, own: head.cursor, peer: peer)
  }
}
