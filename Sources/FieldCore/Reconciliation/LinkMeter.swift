/// Measures a link while it is used. It begins with what is assumed of links of its kind, or with what an earlier
/// session with the same peer has measured.
public struct LinkMeter: Sendable {
  public private(set) var measure: LinkMeasure
  private var hasRate = false
  private var hasRoundTrip = false
  /// Since the link held a sender up: what it has taken since goes at its own pace.
  private var burst: (start: Duration, byteCount: Int)?

  /// A sender that waits for so long is held up by the link, not by another task.
  private static let heldUp = Duration.milliseconds(1)
  /// What makes a sample.
  private static let sampleByteCount = 8 << 10
  private static let sampleTime = Duration.milliseconds(100)
  /// Of a new sample, in parts of a hundred.
  private static let newWeight = 30
  /// No round trip is taken for shorter or longer.
  private static let roundTrips = Duration.microseconds(100)...Duration.seconds(5)

  public init(assuming measure: LinkMeasure) {
    self.measure = measure
  }

  /// What an earlier session measured; what this one measured itself stays.
  public mutating func recall(_ earlier: LinkMeasure) {
    if !hasRate { measure.bytesPerSecond = max(1, earlier.bytesPerSecond) }
    if !hasRoundTrip { measure.roundTrip = earlier.roundTrip }
  }

  /// A message went out and its answer came, as with a ping or in the handshake.
  public mutating func answered(after time: Duration) {
    let time = min(max(time, Self.roundTrips.lowerBound), Self.roundTrips.upperBound)
    // A longer one has most likely waited behind something.
    measure.roundTrip = hasRoundTrip && time > measure.roundTrip ? (measure.roundTrip * 9 + time) / 10 : time
    hasRoundTrip = true
  }

  /// The link took a message that was offered to it at `start`, at `end`.
  public mutating func took(_ byteCount: Int, from start: Duration, to end: Duration) {
    guard var burst else {
      // What came before this one went into the link's queue, at no pace of the link's.
      if end - start >= Self.heldUp { burst = (end, 0) }
      return
    }
    burst.byteCount += byteCount
    self.burst = burst
    let elapsed = end - burst.start
    guard burst.byteCount >= Self.sampleByteCount, elapsed >= Self.sampleTime else { return }
    let rate = Int(min(Double(burst.byteCount) / (elapsed / .seconds(1)), 1e12))
    measure.bytesPerSecond =
      hasRate ? max(1, measure.bytesPerSecond + (rate - measure.bytesPerSecond) * Self.newWeight / 100) : max(1, rate)
    hasRate = true
    self.burst = (end, 0)
  }

  /// There is nothing to send: time that passes now is not the link's.
  public mutating func paused() { burst = nil }
}
