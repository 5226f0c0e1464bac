/// A store's state in one value.
public struct StoreHead: Hashable, Sendable {
  public var epoch: StoreEpoch
  /// The newest arrival that was ever given, also when its entry was purged since.
  public var arrival: UInt64
  /// Entries that are there.
  public var entryCount: UInt64
  /// ``SetDigest/value`` over the ids that are there: two stores hold the same entries exactly when theirs are equal.
  public var digest: [UInt8]

  public init(epoch: StoreEpoch, arrival: UInt64, entryCount: UInt64, digest: [UInt8]) {
    self.epoch = epoch
    self.arrival = arrival
    self.entryCount = entryCount
    self.digest = digest
  }

  public var cursor: StoreCursor { StoreCursor(epoch: epoch, arrival: arrival) }
}
