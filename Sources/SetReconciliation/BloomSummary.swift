/// A Bloom filter (Bloom 1970) over 32-byte ids, keyed for one session.
///
/// Probe i of k is bit `floor(p(i) * m / 2^64)` where `p(i) = mix(h + (i + 1) * 0x9E3779B97F4A7C15)` modulo 2^64, h is
/// the keyed SipHash-2-4 of the id and `mix` the finalizer of SplitMix64 (Steele, Lea and Flood 2014). The probes are
/// independent, so the share of false positives is that of theory for small filters too: about 0.6185^(m/n).
/// Bit j is bit `j mod 8` of byte `j / 8`, least significant first.
public struct BloomSummary: Hashable, Sendable {
  /// The largest filter that is made or read: 1 MiB.
  public static let byteLimit = 1 << 20
  /// Filters of fewer bytes are not worth making.
  public static let minimumByteCount = 8
  static let probeLimit = 30

  public let probeCount: Int
  public let key: SummaryKey
  public private(set) var bits: [UInt8]

  public var bitCount: Int { bits.count * 8 }

  /// An empty filter for `entryCount` ids, with about `bitsPerEntry` bits for each, 10 giving 1 % false positives. It
  /// is never over ``byteLimit``; what does not fit shows as more false positives.
  public init(entryCount: Int, bitsPerEntry: Int, key: SummaryKey) {
    let bitsPerEntry = min(max(bitsPerEntry, 1), 40)
    let wanted = max(0, entryCount).multipliedReportingOverflow(by: bitsPerEntry)
    let byteCount = wanted.overflow ? Self.byteLimit : (wanted.partialValue + 7) / 8
    bits = Array(repeating: 0, count: min(max(byteCount, Self.minimumByteCount), Self.byteLimit))
    probeCount = min(max(1, bitsPerEntry * 69 / 100), Self.probeLimit)
    self.key = key
  }

  /// A filter that a peer made; `nil` where size or probes are out of bounds.
  public init?(bits: [UInt8], probeCount: Int, key: SummaryKey) {
    guard (Self.minimumByteCount...Self.byteLimit).contains(bits.count), (1...Self.probeLimit).contains(probeCount)
    else {
      return nil
    }
    self.bits = bits
    self.probeCount = probeCount
    self.key = key
  }

  public mutating func insert(_ id: (UInt64, UInt64, UInt64, UInt64)) {
    let seed = key.sipHash.hash(id)
    for probe in 0..<probeCount {
      let bit = position(seed, probe)
      bits[bit >> 3] |= 1 << UInt8(bit & 7)
    }
  }

  /// `false` means that the id was surely not inserted.
  public func mayContain(_ id: (UInt64, UInt64, UInt64, UInt64)) -> Bool {
    let seed = key.sipHash.hash(id)
    return (0..<probeCount).allSatisfy { probe in
      let bit = position(seed, probe)
      return bits[bit >> 3] >> UInt8(bit & 7) & 1 == 1
    }
  }

  private func position(_ seed: UInt64, _ probe: Int) -> Int {
    var value = seed &+ UInt64(probe + 1) &* 0x9E37_79B9_7F4A_7C15
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    value ^= value >> 31
    return Int(value.multipliedFullWidth(by: UInt64(bitCount)).high)
  }
}
