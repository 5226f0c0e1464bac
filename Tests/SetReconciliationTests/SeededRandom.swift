import SetReconciliation

/// SplitMix64, so that a failing case can be seen again.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func ids(_ count: Int) -> [KeyedID] { (0..<count).map { _ in KeyedID(next()) } }

  mutating func elements(_ count: Int) -> [UInt32] {
    (0..<count).map { _ in UInt32.random(in: 1 ... .max, using: &self) }
  }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

  /// Two sets that share `shared` ids and have some of their own.
  mutating func sets(shared: Int, first: Int, second: Int) -> (first: [KeyedID], second: [KeyedID]) {
    let common = ids(shared)
    return (common + ids(first), common + ids(second))
  }
}
