/// Which cells a symbol is in, one after the other: index 0, and from index i to
/// `i + 1 + floor((i + 1.5) (2^32 / m - 1))`. Here r, at first the symbol, is multiplied by 0xda942042e4dd58b5 modulo
/// 2^64 before each step, and m is 1 more than the larger of h and h ^ l, the high and low 32 bits of r; the larger of
/// two uniform numbers is spread as the square root of one, which the paper has. So cell i has about a share of 1 / (1
/// + i/2) of the symbols. All in double precision, each operation rounded by itself.
struct RatelessMapping {
  private(set) var index = 0
  private var random: UInt64

  init(symbol: UInt64) { random = symbol }

  mutating func advance() {
    random = random &* 0xda94_2042_e4dd_58b5
    let high = random >> 32
    let larger = max(high, high ^ random & 0xffff_ffff)
    let gap = (Double(index) + 1.5) * (0x1p32 / Double(Int64(truncatingIfNeeded: larger &+ 1)) - 1)
    index &+= 1 &+ Int(gap)  // below 2^55 for an index below RatelessCells.cellLimit
  }

  /// The 32 bits by which a cell that holds one symbol is known: the high ones of the finalizer of SplitMix64.
  static func check(_ symbol: UInt64) -> UInt32 {
    var value = (symbol ^ symbol >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: value >> 32)
  }
}
