/// SplitMix64 (Steele, Lea, Flood 2014): a generator that gives the same numbers for the same seed, everywhere. Not for
/// secrets.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// `true` with this probability.
  public mutating func chance(_ probability: Double) -> Bool {
    probability > 0 && Double(next() >> 11) < probability * 0x1p53
  }

  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  public mutating func duration(upTo limit: Duration) -> Duration {
    limit * (Double(next() >> 11) * 0x1p-53)
  }

  /// Another generator, for a part of the simulation that must not disturb the numbers of the rest.
  public mutating func split() -> SeededRandom { SeededRandom(seed: next()) }
}
