/// What a side knows about its own store when a reconciliation begins.
public struct ReconcileFacts: Sendable {
  public var head: StoreHead
  /// What it has shared with this peer, newest first.
  public var bases: [KnownBase]
  /// How many differences are to be expected, where something tells.
  public var expectedDifference: Int?

  public init(head: StoreHead, bases: [KnownBase] = [], expectedDifference: Int? = nil) {
    self.head = head
    self.bases = bases
    self.expectedDifference = expectedDifference
  }
}

/// A base, and how many entries this side has gained since.
public struct KnownBase: Hashable, Sendable {
  public var record: BaseRecord
  public var countSince: UInt64

  public init(record: BaseRecord, countSince: UInt64) {
    self.record = record
    self.countSince = countSince
  }
}
