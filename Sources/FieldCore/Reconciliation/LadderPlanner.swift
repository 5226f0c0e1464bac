import SetReconciliation

/// Picks the rung: from what is known of the two sets, of the link, and from which rungs may be used.
public struct LadderPlanner: Sendable {
  public var enabled: Set<Rung>
  public var link: LinkMeasure

  public init(enabled: Set<Rung> = Set(Rung.allCases), link: LinkMeasure) {
    self.enabled = enabled
    self.link = link
  }

  /// Whether there is a ladder at all.
  public var canReconcile: Bool { !enabled.isDisjoint(with: Rung.finding) }

  var capabilities: Capabilities {
    var capabilities: Capabilities = []
    if enabled.contains(.bloomSummary) { capabilities.insert(.bloomSummary) }
    if canReconcile { capabilities.insert(.ladder) }
    return capabilities
  }

  // MARK: The first step

  enum Opening: Equatable {
    case none(String)
    case sketch(syndromeCount: Int)
    case list(parameter: Int, reason: String)

    var choice: RungChoice? {
      switch self {
      case .none: nil
      case .sketch(let count): count > 0 ? RungChoice(.summarySketch, "the first message names up to \(count)") : nil
      case .list(_, let reason): RungChoice(.idList, reason)
      }
    }
  }

  /// What a side sends first that knows no estimate yet.
  ///
  /// - Parameters:
  ///   - ownCount: Entries of this side that are compared.
  ///   - expected: Differences to be expected, where something tells.
  func opening(ownCount: UInt64, expected: Int?) -> Opening {
    guard ownCount > 0 else { return .none("nothing here to compare") }
    if expected == 0 { return .none("nothing is expected to differ") }
    if enabled.contains(.idList), Self.fitsList(ownCount) {
      let careful = Self.carefulParameter
      if Self.listByteCount(ownCount, careful) <= sketchByteCount {
        return .list(parameter: careful, reason: "a list of \(ownCount) is no longer than a sketch")
      }
      if let expected, !link.isFast || !enabled.contains(.ratelessCells),
        Self.listByteCount(ownCount, GolombSet.parameter(differences: expected)) < LadderLimits.partByteCount,
        listPays(count: ownCount, differences: expected)
      {
        let parameter = GolombSet.parameter(differences: max(expected, Int(clamping: ownCount)))
        return .list(parameter: parameter, reason: "about \(expected) of \(ownCount) are expected to differ")
      }
    }
    // The estimator decides about the other rungs.
    if enabled.contains(.summarySketch) { return .sketch(syndromeCount: LadderLimits.summarySyndromeCount) }
    if enabled.contains(.partitionedSketch) || enabled.contains(.ratelessCells) { return .sketch(syndromeCount: 0) }
    let parameter = GolombSet.parameter(differences: Int(clamping: ownCount))
    return enabled.contains(.idList) && Self.fitsList(ownCount)
      ? .list(parameter: parameter, reason: "no other rung may be used") : .none("no rung may be used")
  }

  /// A rateless IBLT's burst is to fit the first time; bytes count for less than the round trip.
  var estimatorWidth: DifferenceEstimator.Width { link.isFast && enabled.contains(.ratelessCells) ? .widest : .thin }

  private var sketchByteCount: Int { estimatorWidth.byteCount + 4 * LadderLimits.summarySyndromeCount + 1 }

  /// For a list that goes to a side of unknown size: one in 2^26 of its entries is taken for one on the list.
  static let carefulParameter = 26

  // MARK: Once there is an estimate

  enum Step: Equatable {
    case list(parameter: Int)
    case partition(PartitionPlan)
    case cells(count: Int)
    case nothing
  }

  /// - Parameters:
  ///   - differences: The estimate.
  ///   - count: Entries of the side that takes the step.
  ///   - excluded: Rungs that were tried.
  func step(differences: Int, count: UInt64, excluding excluded: Set<Rung> = []) -> (Step, RungChoice?) {
    var usable = enabled.subtracting(excluded)
    if !Self.fitsList(count) { usable.remove(.idList) }
    let estimate = min(max(differences, LadderLimits.summarySyndromeCount), Self.estimateLimit)
    let list = Step.list(parameter: GolombSet.parameter(differences: estimate))
    // What the peer says it has decides about an estimate, too: no more in one burst than this side's own set needs.
    let burst = Int(min(count, UInt64(LadderLimits.cellCount))) * 4 + 4096
    let cells = Step.cells(count: min(cellCount(differences: estimate), burst, LadderLimits.cellCount))
    let cellsByteCount = cellCount(differences: estimate) * RatelessCells.cellByteCount
    let listByteCount = Self.listByteCount(count, GolombSet.parameter(differences: estimate))
    if usable.contains(.idList) {
      let other =
        usable.contains(.partitionedSketch) && !(link.isFast && usable.contains(.ratelessCells))
        ? Self.partitionByteCount(estimate) : usable.contains(.ratelessCells) ? cellsByteCount : Int.max
      if listByteCount + Self.listRequestByteCount(count, estimate) < other {
        return (list, RungChoice(.idList, "\(estimate) of \(count) differ, by the estimate: a list is shorter"))
      }
    }
    if usable.contains(.ratelessCells), link.isFast || !usable.contains(.partitionedSketch) {
      let reason = link.isFast ? "a fast link: computing costs more than bytes" : "no other rung may be used"
      return (cells, RungChoice(.ratelessCells, "about \(estimate) differ; \(reason)"))
    }
    if usable.contains(.partitionedSketch), let plan = partition(differences: estimate) {
      let form = plan.syndromeCount == 32 ? "lean" : "padded"
      let reason = "about \(estimate) differ; \(plan.bucketCount) buckets, \(form), for a thin link"
      return (.partition(plan), RungChoice(.partitionedSketch, reason))
    }
    if usable.contains(.idList) { return (list, RungChoice(.idList, "no other rung can do \(estimate)")) }
    return (.nothing, nil)
  }

  /// Lean buckets save bytes and cost another round trip or two: worth it where a round trip's bytes are fewer.
  private func partition(differences: Int) -> PartitionPlan? {
    let plan =
      differences >= link.bytesPerSecond / 12
      ? PartitionPlan.lean(differences: differences) : PartitionPlan.padded(differences: differences)
    return differences <= Self.partitionLimit && plan.byteCount <= link.moveByteCount ? plan : nil
  }

  private func cellCount(differences: Int) -> Int {
    // The estimate is a tenth too low now and then, and a second burst costs a round trip.
    RatelessCells.cellCount(differences: differences + differences / 8)
  }

  /// Whether a list of `count` entries is shorter than what else would find that many differences.
  private func listPays(count: UInt64, differences: Int) -> Bool {
    let listByteCount = Self.listByteCount(count, GolombSet.parameter(differences: max(1, differences)))
    let listed = listByteCount + Self.listRequestByteCount(count, differences)
    return listed < Self.partitionByteCount(differences) + sketchByteCount
  }

  // MARK: Sizes

  /// Estimates are not taken for more than this.
  static let estimateLimit = 1 << 32
  /// So many buckets there are at most.
  private static let partitionLimit = 500_000

  private static func fitsList(_ count: UInt64) -> Bool { count <= UInt64(GolombSet.entryLimit) }

  /// A Golomb-coded list: the parameter's bits and 1.58 more for each value.
  static func listByteCount(_ count: UInt64, _ parameter: Int) -> Int {
    Int(min(count, 1 << 40)) * (parameter * 100 + 158) / 800 + 8
  }

  /// A request by places in a list of `count`, for half of the differences.
  private static func listRequestByteCount(_ count: UInt64, _ differences: Int) -> Int {
    let asked = UInt64(max(1, differences / 2))
    return Int(asked) * (bitWidth(count / asked) + 2) / 8
  }

  /// 5.3 bytes for each difference, and the longer request: ten bits for each entry that is asked for.
  private static func partitionByteCount(_ differences: Int) -> Int { differences * 53 / 10 + differences * 10 / 16 }

  private static func bitWidth(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }
}
