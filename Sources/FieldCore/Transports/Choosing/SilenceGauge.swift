/// How long the other end of a session may say nothing, by what it did before.
///
/// A peer whose disk or processor is busy is silent for a second now and then, and is not to be given up each time: for
/// how long it was silent before it went on is remembered for a while, and more silence than that is needed then.
struct SilenceGauge: Sendable {
  /// The longest silence that ended with a word, less with time.
  private(set) var survived: Duration
  private var last: Duration = .zero
  private var wasBusy = false

  init(survived: Duration = .zero) { self.survived = min(survived, ChoosingLimits.longestSurvivedSilence) }

  /// - Parameters:
  ///   - silence: Up to now.
  ///   - isBusy: Whether the two have anything to say to each other.
  ///   - elapsed: Since the last call.
  mutating func note(_ silence: Duration, isBusy: Bool, after elapsed: Duration) {
    survived = max(.zero, survived - elapsed / ChoosingLimits.silenceMemory)
    if wasBusy, silence < last { survived = min(max(survived, last), ChoosingLimits.longestSurvivedSilence) }
    last = silence
    wasBusy = isBusy
  }

  /// Silence after which another transport is tried beside.
  func doubtAfter(_ cost: TransportCost) -> Duration { max(ChoosingLimits.doubtAfter(cost), survived * 3 / 2) }

  /// Silence after which the session loses its place to any other.
  func suspectAfter(_ cost: TransportCost) -> Duration { max(ChoosingLimits.suspectAfter(cost), survived * 5 / 2) }
}
