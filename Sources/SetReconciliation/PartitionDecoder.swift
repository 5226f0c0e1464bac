/// Decodes the buckets of a difference, and says what else is needed. What was solved once stays solved; how many ids
/// the solved buckets have tells how many the others will.
public struct PartitionDecoder: Sendable {
  private let bucketCount: Int
  /// The buckets that are not solved, ascending, and what is known of each.
  private var open: [(bucket: Int, sketch: PinSketch)]
  private var solvedSizes: [Int] = []
  private var extensionCount = 0
  private var isTried = false
  /// The ids of all solved buckets as `bucket << 32 | short id`, ascending.
  public private(set) var solved: [UInt64] = []
  /// Those that the last ``decode()`` added, ascending.
  public private(set) var newlySolved: [UInt64] = []

  /// - Parameter difference: Of all buckets, from syndrome 0; `nil` for anything else.
  public init?(difference: PartitionedSketch) {
    guard difference.buckets.count == difference.bucketCount, difference.syndromes.lowerBound == 0 else { return nil }
    bucketCount = difference.bucketCount
    open = Array(zip(difference.buckets, difference.sketches))
  }

  /// A difference that is one bucket, which has been tried.
  ///
  /// - Parameter sketch: From syndrome 0.
  public init(undecoded sketch: PinSketch) {
    bucketCount = 1
    open = [(0, sketch)]
    isTried = true
  }

  public var isComplete: Bool { open.isEmpty }

  /// Tries the buckets that are not solved; of use after the beginning and after each extension.
  public mutating func decode() {
    guard !isTried else { return }
    isTried = true
    newlySolved = []
    var failed: [(bucket: Int, sketch: PinSketch)] = []
    for (bucket, sketch) in open {
      guard let shorts = sketch.decode() else {
        failed.append((bucket, sketch))
        continue
      }
      solvedSizes.append(shorts.count)
      newlySolved += shorts.map { UInt64(bucket) << 32 | UInt64($0) }
    }
    open = failed
    solved = extensionCount == 0 ? newlySolved : (solved + newlySolved).sorted()
  }

  /// What to ask for next; `nil` when all is solved, and when what may be asked for will not do: then the estimate was
  /// wrong by far, or the other side sends garbage.
  public func nextExtension() -> PartitionExtension? {
    guard let count = open.first?.sketch.syndromes.count, count < PinSketch.syndromeLimit,
      extensionCount < Self.extensionLimit
    else { return nil }
    // One bucket alone tells nothing but that it holds more.
    let more =
      bucketCount == 1
      ? max(8, count / 3)
      : PartitionLoad(solvedSizes: solvedSizes, openCount: open.count, syndromeCount: count)
        .bestExtension(isFirst: extensionCount == 0)
    return PartitionExtension(
      bucketCount: bucketCount, buckets: open.map(\.bucket),
      syndromes: count..<min(count + more, PinSketch.syndromeLimit))
  }

  /// How many ids there are at least: a bucket that is open holds more than it has syndromes.
  public var leastSize: Int { solved.count + open.reduce(0) { $0 + $1.sketch.syndromes.count + 1 } }

  static let extensionLimit = 4

  /// Appends the difference of what was asked for; `false`, and nothing done, for anything else.
  public mutating func extend(with difference: PartitionedSketch) -> Bool {
    guard difference.bucketCount == bucketCount, difference.buckets == open.map(\.bucket),
      let first = open.first?.sketch, difference.syndromes.lowerBound == first.syndromes.upperBound,
      difference.syndromes.upperBound <= PinSketch.syndromeLimit
    else { return false }
    for (index, further) in difference.sketches.enumerated() { _ = open[index].sketch.extend(by: further) }
    extensionCount += 1
    isTried = false
    return true
  }
}
