/// A pull that has been decided on, and why.
public struct PullPlan: Hashable, Sendable {
  public var rung: Rung
  /// Where the peer's order of arrival is read from.
  public var since: StoreCursor?
  /// Which of the session's summary keys is used.
  public var attempt: UInt32
  public var reason: String
  /// Entries that may come, at most; 0 where nothing tells.
  public var expectedCount: UInt64 = 0
}
