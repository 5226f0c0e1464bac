/// PinSketches of a set's buckets: syndromes from 0 of all buckets, or further syndromes of some. On the wire: bucket
/// by bucket, ascending, each as the bytes of ``PinSketch``.
public struct PartitionedSketch: SetSummary, Hashable {
  public let bucketCount: Int
  /// Those whose syndromes these are, ascending.
  public let buckets: [Int]
  public let syndromes: Range<Int>
  /// The row of each bucket, -1 where it has none; empty where all buckets have one.
  private let rows: [Int32]
  private let width: Int
  /// Row by row, padded to `width` for the kernels with sums that are of no meaning.
  private var sums: [UInt32]

  /// The empty set's.
  public init(plan: PartitionPlan) {
    self.init(
      bucketCount: plan.bucketCount, buckets: Array(0..<plan.bucketCount), syndromes: 0..<plan.syndromeCount, rows: [])
  }

  /// The empty set's.
  public init(extension: PartitionExtension) {
    var rows = [Int32](repeating: -1, count: `extension`.bucketCount)
    for (row, bucket) in `extension`.buckets.enumerated() { rows[bucket] = Int32(row) }
    self.init(
      bucketCount: `extension`.bucketCount, buckets: `extension`.buckets, syndromes: `extension`.syndromes, rows: rows)
  }

  private init(bucketCount: Int, buckets: [Int], syndromes: Range<Int>, rows: [Int32]) {
    self.bucketCount = bucketCount
    self.buckets = buckets
    self.syndromes = syndromes
    self.rows = rows
    width = FieldKernel.paddedWidth(syndromes.count)
    sums = Array(repeating: 0, count: buckets.count * width)
  }

  /// What a peer made; `nil` unless it has the plan's size.
  public init?(plan: PartitionPlan, bytes: [UInt8]) {
    guard bytes.count == plan.byteCount else { return nil }
    self.init(plan: plan)
    load(bytes)
  }

  /// What a peer answered; `nil` unless it has the size that was asked for.
  public init?(extension: PartitionExtension, bytes: [UInt8]) {
    guard bytes.count == `extension`.byteCount else { return nil }
    self.init(extension: `extension`)
    load(bytes)
  }

  private mutating func load(_ bytes: [UInt8]) {
    let count = syndromes.count
    for row in buckets.indices {
      sums.load(from: bytes[4 * row * count..<4 * (row + 1) * count], count: count, at: row * width)
    }
  }

  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * buckets.count * syndromes.count)
    for row in buckets.indices { bytes += sums[row * width..<row * width + syndromes.count].littleEndianBytes }
    return bytes
  }

  public mutating func add(_ ids: [KeyedID]) { add(ids, kernel: .best) }

  mutating func add(_ ids: [KeyedID], kernel: FieldKernel) {
    let (first, width, bucketCount) = (syndromes.lowerBound, width, bucketCount)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2 * ids.count) { [rows] buffer in
      guard let elements = buffer.baseAddress else { return }
      let places = elements + ids.count
      var count = 0
      for id in ids {
        let bucket = id.bucket(of: bucketCount)
        let row = rows.isEmpty ? bucket : Int(rows[bucket])
        guard row >= 0 else { continue }
        elements[count] = id.short
        places[count] = UInt32(truncatingIfNeeded: row)
        count += 1
      }
      sums.withUnsafeMutableBufferPointer { sums in
        guard let base = sums.baseAddress else { return }
        let elements = UnsafeBufferPointer(start: elements, count: count)
        kernel.addOddPowers(of: elements, rows: places, from: first, width: width, to: base)
      }
    }
  }

  /// Makes this the sketch of the difference between the two sets; `false`, and nothing done, where they are not cut
  /// alike.
  public mutating func formDifference(with other: PartitionedSketch) -> Bool {
    guard bucketCount == other.bucketCount, buckets == other.buckets, syndromes == other.syndromes else { return false }
    for index in sums.indices { sums[index] ^= other.sums[index] }
    return true
  }

  /// The sketches of ``buckets``, one for each.
  var sketches: [PinSketch] {
    buckets.indices.compactMap { row in
      PinSketch(sums: sums[row * width..<row * width + syndromes.count], syndromes: syndromes)
    }
  }
}

extension PartitionedSketch {
  public static func == (left: Self, right: Self) -> Bool {
    left.bucketCount == right.bucketCount && left.buckets == right.buckets && left.syndromes == right.syndromes
      && left.bytes == right.bytes
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(buckets)
    hasher.combine(bytes)
  }
}
