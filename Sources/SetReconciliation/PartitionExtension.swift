/// Further syndromes of the buckets that could not be decoded: the decoder asks for them, the other side makes them.
public struct PartitionExtension: Hashable, Sendable {
  public let bucketCount: Int
  /// Which, ascending; at least one.
  public let buckets: [Int]
  /// Which syndromes of each.
  public let syndromes: Range<Int>

  /// What a peer asks for; `nil` where the bitmap is not one bit a bucket (bit `i mod 8` of byte `i / 8`, the last
  /// byte's other bits 0) with one set at least, or where a size is out of the limits of ``PartitionPlan``.
  public init?(bucketCount: Int, bitmap: [UInt8], syndromes: Range<Int>) {
    guard (1...PartitionPlan.bucketLimit).contains(bucketCount), bitmap.count == (bucketCount + 7) / 8 else {
      return nil
    }
    let places = (0..<8 * bitmap.count).filter { bitmap[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    self.init(bucketCount: bucketCount, buckets: places, syndromes: syndromes)
  }

  /// - Parameter buckets: Ascending.
  init?(bucketCount: Int, buckets: [Int], syndromes: Range<Int>) {
    guard let last = buckets.last, last < bucketCount, PinSketch(syndromes: syndromes) != nil else { return nil }
    self.bucketCount = bucketCount
    self.buckets = buckets
    self.syndromes = syndromes
  }

  public var bitmap: [UInt8] {
    var bitmap = [UInt8](repeating: 0, count: (bucketCount + 7) / 8)
    for bucket in buckets { bitmap[bucket / 8] |= 1 << UInt8(bucket % 8) }
    return bitmap
  }

  /// Of the answer.
  public var byteCount: Int { 4 * buckets.count * syndromes.count }
}
