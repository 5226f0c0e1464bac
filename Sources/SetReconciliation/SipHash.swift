/// SipHash-2-4 (Aumasson and Bernstein, 2012) over whole 64-bit words: a fast keyed hash that holds against inputs
/// chosen by somebody without the key. The words are read as the reference implementation reads little-endian bytes.
public struct SipHash: Hashable, Sendable {
  private let first: UInt64
  private let second: UInt64

  public init(key: (UInt64, UInt64)) {
    (first, second) = key
  }

  var key: (UInt64, UInt64) { (first, second) }

  public func hash(_ words: (UInt64, UInt64, UInt64, UInt64)) -> UInt64 {
    var v0 = first ^ 0x736f_6d65_7073_6575
    var v1 = second ^ 0x646f_7261_6e64_6f6d
    var v2 = first ^ 0x6c79_6765_6e65_7261
    var v3 = second ^ 0x7465_6462_7974_6573

    func round() {
      v0 &+= v1
      v1 = v1 << 13 | v1 >> 51
      v1 ^= v0
      v0 = v0 << 32 | v0 >> 32
      v2 &+= v3
      v3 = v3 << 16 | v3 >> 48
      v3 ^= v2
      v0 &+= v3
      v3 = v3 << 21 | v3 >> 43
      v3 ^= v0
      v2 &+= v1
      v1 = v1 << 17 | v1 >> 47
      v1 ^= v2
      v2 = v2 << 32 | v2 >> 32
    }
    func absorb(_ word: UInt64) {
      v3 ^= word
      round()
      round()
      v0 ^= word
    }

    absorb(words.0)
    absorb(words.1)
    absorb(words.2)
    absorb(words.3)
    absorb(32 << 56)  // the length in the last word, as for 32 bytes
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }
}
