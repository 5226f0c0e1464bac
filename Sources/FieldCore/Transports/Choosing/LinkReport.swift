/// How a session is doing; the agent measures it several times a second.
public struct LinkReport: Hashable, Sendable {
  /// How long nothing was heard.
  public var silence: Duration
  /// Since the session began, both directions, as in ``SessionTraffic``.
  public var byteCount: UInt64
  /// Messages that came in since the session began.
  public var receivedCount: UInt64
  /// Of the last ping; `nil` when none was answered yet.
  public var roundTrip: Duration?
  public var work: Work

  public enum Work: Hashable, Sendable {
    /// Entries are still to come or to go, or the two are still comparing.
    case busy
    case inStep
    /// Neither side can get more from the other, and they differ.
    case settledApart
  }

  public init(silence: Duration, byteCount: UInt64, receivedCount: UInt64, roundTrip: Duration? = nil, work: Work) {
    self.silence = silence
    self.byteCount = byteCount
    self.receivedCount = receivedCount
    self.roundTrip = roundTrip
    self.work = work
  }
}
