/// How a large difference is cut: into buckets by hash, each with a sketch of its own, so that encoding costs the same
/// for each id whatever the difference is, and decoding grows with it and not with its square. (PBS, Gong et al. 2020,
/// arXiv 2007.14569, cuts so; buckets that fail are extended by further syndromes instead of being cut again.)
public struct PartitionPlan: Hashable, Sendable {
  public static let bucketLimit = 16384
  /// What a bucket holds on the average.
  static let bucketLoad = 32

  public let bucketCount: Int
  public let syndromeCount: Int

  /// `nil` outside 1 to ``bucketLimit`` and 1 to ``PinSketch/syndromeLimit``.
  public init?(bucketCount: Int, syndromeCount: Int) {
    guard (1...Self.bucketLimit).contains(bucketCount), (1...PinSketch.syndromeLimit).contains(syndromeCount) else {
      return nil
    }
    self.init(checkedBucketCount: bucketCount, syndromeCount: syndromeCount)
  }

  private init(checkedBucketCount: Int, syndromeCount: Int) {
    bucketCount = checkedBucketCount
    self.syndromeCount = syndromeCount
  }

  /// As many syndromes as ids on the average: half of the buckets fail and are extended. Fewest bytes, more messages.
  public static func lean(differences: Int) -> PartitionPlan {
    PartitionPlan(checkedBucketCount: buckets(for: differences), syndromeCount: bucketLoad)
  }

  /// Some more syndromes than ids on the average: one bucket in five fails.
  public static func balanced(differences: Int) -> PartitionPlan { plan(for: differences, excess: 1, deviations: 0.75) }

  /// Many more, for an estimate that may be a tenth too low: few buckets fail. Most bytes, fewest messages.
  public static func padded(differences: Int) -> PartitionPlan { plan(for: differences, excess: 1.1, deviations: 1.5) }

  private static func plan(for differences: Int, excess: Double, deviations: Double) -> PartitionPlan {
    let bucketCount = buckets(for: differences)
    let mean = excess * Double(min(max(differences, 1), bucketLimit * bucketLoad)) / Double(bucketCount)
    let syndromeCount = Int((mean + deviations * mean.squareRoot()).rounded(.up))
    return PartitionPlan(
      checkedBucketCount: bucketCount, syndromeCount: min(max(syndromeCount, 1), PinSketch.syndromeLimit))
  }

  private static func buckets(for differences: Int) -> Int {
    min(max((min(differences, bucketLimit * bucketLoad) + bucketLoad - 1) / bucketLoad, 1), bucketLimit)
  }

  /// Of the sketch of all buckets.
  public var byteCount: Int { 4 * bucketCount * syndromeCount }
}
