/// What is remembered of a peer between sessions.
public struct PeerRecord: Hashable, Sendable {
  /// Everything in the peer's store up to here is also in this one.
  public var pulledThrough: StoreCursor?

  public init(pulledThrough: StoreCursor? = nil) {
    self.pulledThrough = pulledThrough
  }
}
