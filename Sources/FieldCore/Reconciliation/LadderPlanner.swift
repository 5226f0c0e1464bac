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
    case askList(parameter: Int, reason: String)

    var choice: RungChoice? {
      switch self {
      case .none: nil
      case .sketch(let count): count > 0 ? RungChoice(.summarySketch, "the first message names up to \(count)") : nil
      case .list(_, let reason), .askList(_, let reason): RungChoice(.idList, reason)
      }
    }
  }

  /// What a side sends first that knows no estimate yet.
  ///
  /// - Parameters:
  ///   - ownCount: Entries of this side that are compared.
  ///   - peerCount: Those of the other side, where they are known.
  ///   - expected: Differences to be expected, where something tells.
  func opening(ownCount: UInt64, peerCount: UInt64? = nil, expected: Int?) -> Opening {
    guard ownCount > 0 else { return .none("nothing here to compare") }
    if expected == 0 { return .none("nothing is expected to differ") }
    if enabled.contains(.idList), ownCount <= UInt64(GolombSet.entryLimit) {
      let careful = Self.carefulParameter
      if LadderCosts.list(ownCount, careful) <= sketchByteCount(ownCount) {
        return .list(parameter: careful, reason: "a list of \(ownCount) is no longer than a sketch")
      }
      if let expected, prefersBytes,
        LadderCosts.list(ownCount, GolombSet.parameter(differences: expected)) < Self.listAtOnce,
        listPays(count: ownCount, differences: expected)
      {
        let parameter = GolombSet.parameter(differences: max(expected, Int(clamping: ownCount)))
        return .list(parameter: parameter, reason: "about \(expected) of \(ownCount) are expected to differ")
      }
    }
    if let peerCount, let parameter = peerListParameter(ownCount: ownCount, peerCount: peerCount) {
      return .askList(parameter: parameter, reason: "the peer's \(peerCount) are few beside \(ownCount) here")
    }
    // The estimator decides about the other rungs, alone where more differ, most likely, than a few syndromes can name.
    let canGoOn = enabled.contains(.partitionedSketch) || enabled.contains(.ratelessCells)
    if enabled.contains(.summarySketch), expected ?? 0 <= 2 * LadderLimits.summarySyndromeCount || !canGoOn {
      return .sketch(syndromeCount: LadderLimits.summarySyndromeCount)
    }
    if canGoOn { return .sketch(syndromeCount: 0) }
    // Of a peer that may have any number of entries, none is to be hidden.
    let known = peerCount.map { GolombSet.parameter(differences: Int(clamping: ownCount &+ $0)) }
    let parameter = known ?? Self.carefulParameter
    guard enabled.contains(.idList), LadderCosts.fitsList(ownCount, parameter) else {
      return .none("no rung may be used")
    }
    return .list(parameter: parameter, reason: "no other rung may be used")
  }

  /// A rateless IBLT's burst is to fit the first time; bytes count for less than the round trip.
  var estimatorWidth: DifferenceEstimator.Width { prefersBytes ? .thin : .widest }

  /// Otherwise computing costs more, and the cells are there for that.
  private var prefersBytes: Bool { !link.isFast || !enabled.contains(.ratelessCells) }

  private func sketchByteCount(_ count: UInt64) -> Int {
    let estimator = DifferenceEstimator(width: estimatorWidth, entryCount: Int(clamping: count))
    return estimator.levelCount * estimatorWidth.byteCount + 4 * LadderLimits.summarySyndromeCount + 2
  }

  /// For a list that goes to a side of unknown size: one in 2^26 of its entries is taken for one on the list.
  static let carefulParameter = 26
  /// The longest list that is sent without an estimate. It travels in the greeting: what goes ahead of the answer may
  /// turn out to be about a base that the peer does not have.
  private static let listAtOnce = LadderLimits.partByteCount / 2 - (16 << 10)

  /// Whether a list of `count` entries is shorter than what else would find that many differences.
  private func listPays(count: UInt64, differences: Int) -> Bool {
    let costs = LadderCosts(ownCount: count, peerCount: count, differences: max(1, differences))
    guard let plan = partition(differences: costs.differences) else { return true }
    return costs.ownList < costs.partition(plan) + sketchByteCount(count)
  }

  /// Where the peer has so much less that its list is shorter than anything else, whatever is on it.
  private func peerListParameter(ownCount: UInt64, peerCount: UInt64) -> Int? {
    let parameter = GolombSet.parameter(differences: Int(clamping: ownCount &+ peerCount))
    guard enabled.contains(.idList), LadderCosts.fitsList(peerCount, parameter), ownCount > peerCount else {
      return nil
    }
    let costs = LadderCosts(ownCount: ownCount, peerCount: peerCount, differences: Int(clamping: ownCount - peerCount))
    let other = partition(differences: costs.differences).map(costs.partition) ?? .max
    return costs.peerList < min(other, costs.ownList) ? parameter : nil
  }

  // MARK: Once there is an estimate

  enum Step: Equatable {
    /// The peer's sketch goes on, up to so many syndromes.
    case furtherSketch(syndromeCount: Int)
    case list(parameter: Int)
    case askList(parameter: Int)
    case partition(PartitionPlan)
    case cells(count: Int)
    case nothing
  }

  /// - Parameters:
  ///   - differences: The estimate.
  ///   - ownCount: Entries of the side that takes the step.
  ///   - peerCount: Entries that the other side says it has.
  ///   - sketched: Syndromes of the whole difference that are known, and are too few.
  ///   - excluded: Rungs that were tried.
  func step(
    differences: Int, ownCount: UInt64, peerCount: UInt64, sketched: Int = 0, excluding excluded: Set<Rung> = []
  ) -> (Step, RungChoice?) {
    let usable = enabled.subtracting(excluded)
    let estimate = min(max(differences, sketched + 1), Self.estimateLimit)
    let costs = LadderCosts(ownCount: ownCount, peerCount: peerCount, differences: estimate)
    // What the peer says it has decides about an estimate, too: no more in one burst than this side's own set needs.
    let burst = Int(min(ownCount, UInt64(LadderLimits.cellCount))) * 4 + 4096
    let cellCount = min(cellCount(differences: estimate), burst, LadderLimits.cellCount)
    let plan = usable.contains(.partitionedSketch) ? partition(differences: estimate) : nil
    let takesCells = usable.contains(.ratelessCells) && (link.isFast || plan == nil)

    var (best, cost, choice) = (Step.nothing, Int.max, RungChoice?.none)
    func consider(_ step: Step, _ rung: Rung, _ bytes: Int, _ reason: String) {
      guard bytes < cost else { return }
      (best, cost, choice) = (step, bytes, RungChoice(rung, reason))
    }
    if takesCells {
      let reason = link.isFast ? "a fast link: computing costs more than bytes" : "no other rung may be used"
      consider(
        .cells(count: cellCount), .ratelessCells, costs.cells(cellCount), "about \(estimate) differ; \(reason)")
    } else {
      if let plan {
        let form = plan.syndromeCount == 32 ? "lean" : "padded"
        let reason = "about \(estimate) differ; \(plan.bucketCount) buckets, \(form), for a thin link"
        consider(.partition(plan), .partitionedSketch, costs.partition(plan), reason)
      }
      if usable.contains(.summarySketch),
        let count = sketchCount(differences: estimate, least: costs.least, above: sketched)
      {
        if let whole = PartitionPlan(bucketCount: 1, syndromeCount: count) {
          let reason = "about \(estimate) differ: a sketch of \(count)"
          consider(.partition(whole), .summarySketch, costs.ownSketch(count), reason)
        }
        // What was sent is not lost, at the price of a message more.
        let further = costs.furtherSketch(count - sketched) + Self.messageWorth
        if sketched > 0 {
          let reason = "about \(estimate) differ: the sketch goes on to \(count)"
          consider(.furtherSketch(syndromeCount: count), .summarySketch, further, reason)
        }
      }
    }
    if usable.contains(.idList), LadderCosts.fitsList(ownCount, costs.listParameter) {
      let reason = "\(estimate) of \(ownCount) differ, by the estimate: a list is shorter"
      consider(.list(parameter: costs.listParameter), .idList, costs.ownList, reason)
    }
    if usable.contains(.idList), LadderCosts.fitsList(peerCount, costs.listParameter), peerCount > 0 {
      let reason = "\(estimate) differ, by the estimate: a list of the peer's \(peerCount) is shorter"
      consider(
        .askList(parameter: costs.listParameter), .idList, costs.peerList + Self.messageWorth, reason)
    }
    return (best, choice)
  }

  /// How many syndromes a sketch of the whole difference has, where that is no large one: above, a message more is
  /// worth more than what was sent, and one bucket for all costs a large store time.
  private func sketchCount(differences: Int, least: Int, above sketched: Int) -> Int? {
    // One side has all that the other has, most likely: then as many differ as the counts say.
    if least > sketched, differences <= least + least / 2, least <= PinSketch.syndromeLimit { return least }
    guard differences <= Self.wholeSketchLimit else { return nil }
    // One estimate in eight is too low by more than a quarter.
    return max(sketched + 4, min(differences + differences / 4 + 1, PinSketch.syndromeLimit))
  }

  /// Lean buckets save about nine bytes for ten differences and cost another round trip, or two: worth it where that is
  /// more than what could go in that time.
  private func partition(differences: Int) -> PartitionPlan? {
    guard differences <= Self.partitionLimit else { return nil }
    return differences >= link.roundTripByteCount * 7 / 5
      ? PartitionPlan.lean(differences: differences) : PartitionPlan.padded(differences: differences)
  }

  private func cellCount(differences: Int) -> Int {
    // The estimate is a tenth too low now and then, and a second burst costs a round trip.
    RatelessCells.cellCount(differences: differences + differences / 8)
  }

  // MARK: Sizes

  /// Estimates are not taken for more than this.
  static let estimateLimit = 1 << 32
  /// The estimate up to which one sketch of the whole difference is used.
  static let wholeSketchLimit = 90
  /// A message more has to save so many bytes.
  private static let messageWorth = 10
  /// Where buckets are as many as there may be, and hold hardly more than they should.
  private static let partitionLimit = 600_000
}
