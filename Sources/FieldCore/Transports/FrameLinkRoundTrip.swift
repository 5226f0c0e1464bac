/// The measured round trip of a link and the time-out that follows from it.
struct FrameLinkRoundTrip: Sendable {
  private(set) var smoothed: Duration?

  mutating func add(_ sample: Duration) {
    guard let old = smoothed else {
      smoothed = sample
      return
    }
    smoothed = (old * 7 + sample) / 8
  }

  /// How long a frame may be overtaken before it counts as lost.
  var reorderDelay: Duration {
    max(FrameLinkLimits.reorderDelayFloor, smoothed ?? FrameLinkLimits.roundTripStart)
  }

  /// Doubles with every second expiry in a row, so that six tries fit in ``FrameLinkLimits/progressDeadline``.
  func retransmissionTimeout(afterExpiries count: Int) -> Duration {
    let base = max(
      FrameLinkLimits.retransmissionTimeoutFloor,
      (smoothed ?? FrameLinkLimits.roundTripStart) * FrameLinkLimits.retransmissionTimeoutRoundTrips)
    return min(FrameLinkLimits.retransmissionTimeoutCeiling, base * (1 << min(count / 2, 8)))
  }
}
