/// Names one life of a store's contents. A store that was cleared or restored starts a new one, and cursors of the old
/// one mean nothing in it.
public struct StoreEpoch: Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }
}

/// A place in a store's order of arrival: everything up to and including `arrival` was seen. Arrivals count from 1,
/// never go back and are never given twice, through purge and restart, whichever process writes.
public struct StoreCursor: Hashable, Sendable {
  public var epoch: StoreEpoch
  public var arrival: UInt64

  public init(epoch: StoreEpoch, arrival: UInt64) {
    self.epoch = epoch
    self.arrival = arrival
  }
}
