import SetReconciliation

/// What each way on would take in bytes, the request for what is lacking included, as far as counts and an estimate
/// tell. Whoever decodes asks for what the other side alone has, so the way that a summary goes matters.
struct LadderCosts {
  /// Entries that are compared, here and there.
  let ownCount: UInt64
  let peerCount: UInt64
  /// The estimate.
  let differences: Int

  /// The difference is no smaller than this, if the peer's count is no lie.
  var least: Int { Int(min(max(ownCount, peerCount) - min(ownCount, peerCount), 1 << 40)) }

  /// Entries that this side alone has.
  private var ownOnly: Int {
    let surplus = ownCount >= peerCount ? least : -least
    return max(0, min(differences, Int(clamping: ownCount), (differences + surplus) / 2))
  }

  private var peerOnly: Int { max(0, differences - ownOnly) }

  /// So that of so many differences hardly one is hidden by a list.
  var listParameter: Int { GolombSet.parameter(differences: differences) }

  /// Of this side's list, which the peer answers.
  var ownList: Int { Self.list(ownCount, listParameter) + Self.places(ownOnly, of: ownCount) }

  /// Of the peer's list, for which it is asked.
  var peerList: Int { Self.asking + Self.list(peerCount, listParameter) + Self.places(peerOnly, of: peerCount) }

  func partition(_ plan: PartitionPlan) -> Int {
    max(plan.byteCount, differences * 53 / 10) + Self.request(ownOnly, of: ownCount)
  }

  func cells(_ count: Int) -> Int { count * RatelessCells.cellByteCount + Self.request(ownOnly, of: ownCount) }

  /// Of the peer's sketch, which goes on by so many syndromes.
  func furtherSketch(_ count: Int) -> Int { Self.asking + 4 * count + Self.request(peerOnly, of: peerCount) }

  /// Of this side's sketch.
  func ownSketch(_ count: Int) -> Int { 4 * count + Self.request(ownOnly, of: ownCount) }

  /// A message that asks for something.
  private static let asking = 10

  /// A Golomb-coded list: the parameter's bits and 1.58 more for each value.
  static func list(_ count: UInt64, _ parameter: Int) -> Int {
    Int(min(count, 1 << 40)) * (parameter * 100 + 158) / 800 + 8
  }

  /// Whether a list of so many entries can be made, and is no longer than a step may be.
  static func fitsList(_ count: UInt64, _ parameter: Int) -> Bool {
    // What it takes is known to a thousandth.
    count <= UInt64(GolombSet.entryLimit)
      && list(count, parameter) <= LadderLimits.moveByteCount - LadderLimits.moveByteCount / 256
  }

  private static func places(_ asked: Int, of count: UInt64) -> Int { asked * (gapBits(asked, count) + 1) / 8 }

  /// Ten bits more for each, so that hardly another entry comes along.
  private static func request(_ asked: Int, of count: UInt64) -> Int { asked * (gapBits(asked, count) + 11) / 8 }

  private static func gapBits(_ asked: Int, _ count: UInt64) -> Int {
    64 - (count / UInt64(max(1, asked))).leadingZeroBitCount
  }
}
