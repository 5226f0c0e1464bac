/// One way to find out what the peer has and this side lacks. They are ordered as they are tried; every one that runs
/// to its end gives the same result.
public enum Rung: String, Sendable, CaseIterable {
  /// The roots of both sides are equal: nothing is missing.
  case equalRoots
  /// What arrived at the peer since the last time.
  case cursorScan
  /// The peer lists what a keyed Bloom summary of this side's entries does not contain. It may miss a few.
  case bloomSummary
  /// Everything that the peer has is listed.
  case fullScan
}

/// A pull that has been decided on, and why.
public struct PullPlan: Hashable, Sendable {
  public var rung: Rung
  /// Where the peer's order of arrival is read from.
  public var since: StoreCursor?
  /// Which of the session's summary keys is used.
  public var attempt: UInt32
  public var reason: String
}
