/// How keyed ids are cut down to numbers that both sides can compute, to say in few bits which ids are meant.
public enum KeyedIDSpace: Hashable, Sendable {
  /// All 64 bits, as the symbols of ``RatelessCells`` are.
  case whole
  /// The bucket, then the first bits of the short id: `bucket << prefixBits | short >> (32 - prefixBits)`. With one
  /// bucket and 32 bits it is the short id.
  case buckets(count: Int, prefixBits: Int)
  /// Below the range, in proportion: the high 64 bits of value times range.
  case range(UInt64)

  public func value(of id: KeyedID) -> UInt64 {
    switch self {
    case .whole: id.value
    case .buckets(let count, let prefixBits):
      UInt64(id.bucket(of: count)) << UInt64(prefixBits) | UInt64(id.short) >> UInt64(32 - prefixBits)
    case .range(let range): id.value.multipliedFullWidth(by: range).high
    }
  }

  /// A value of ``buckets(count:prefixBits:)`` with 32 bits as one with fewer.
  public static func truncated(_ value: UInt64, toPrefixBits prefixBits: Int) -> UInt64 {
    value >> UInt64(32 - min(max(prefixBits, 0), 32))
  }

  /// So many bits that an id that is not meant looks like one that is with a chance of 2^-marginBits for each of the
  /// latter, in a set of `entryCount`; at most 32.
  public static func requestPrefixBits(entryCount: Int, bucketCount: Int, marginBits: Int = 10) -> Int {
    let inBucket = max(entryCount, 1) / max(bucketCount, 1)
    return min(max(Int.bitWidth - inBucket.leadingZeroBitCount + marginBits, 1), 32)
  }
}
