/// The measured round trip of a link and the time-out that follows from it (RFC 6298).
struct FrameLinkRoundTrip: Sendable {
  private(set) var smoothed: Duration?
  private var variation: Duration = .zero

  mutating func add(_ sample: Duration) {
    guard let old = smoothed else {
      smoothed = sample
      variation = sample / 2
      return
    }
    let deviation = sample > old ? sample - old : old - sample
    variation = (variation * 3 + deviation) / 4
    smoothed = (old * 7 + sample) / 8
  }

  /// How long a frame may be overtaken before it counts as lost.
  var reorderDelay: Duration {
    max(FrameLinkLimits.reorderDelayFloor, smoothed ?? FrameLinkLimits.roundTripStart)
  }

  /// Doubles with every second expiry in a row, so that six tries fit in ``FrameLinkLimits/progressDeadline``.
  func retransmissionTimeout(afterExpiries count: Int) -> Duration {
    let base =
      smoothed.map { max(FrameLinkLimits.retransmissionTimeoutFloor, $0 + max($0, variation * 4)) }
      ?? FrameLinkLimits.retransmissionTimeoutStart
    return min(FrameLinkLimits.retransmissionTimeoutCeiling, base * (1 << min(count / 2, 8)))
  }
}
