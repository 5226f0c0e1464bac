/// What the solved buckets say about the others. Ids fall into buckets as Poisson has it, so an open bucket has more
/// than c ids, and how many more depends on the mean alone.
struct PartitionLoad {
  private let openCount: Double
  private let syndromeCount: Int
  private let isUnknown: Bool
  /// The mean of a bucket that is most likely.
  private let mean: Double

  init(solvedSizes: [Int], openCount: Int, syndromeCount: Int) {
    self.openCount = Double(openCount)
    self.syndromeCount = syndromeCount
    isUnknown = solvedSizes.isEmpty
    let sum = Double(solvedSizes.reduce(0, +))
    let all = Double(solvedSizes.count + openCount)
    var mean = (sum + Double(openCount * (syndromeCount + 1))) / all
    // Expectation and maximization (Dempster, Laird and Rubin 1977).
    for _ in 0..<30 {
      let ofOpen = Self.tail(mean: mean, above: syndromeCount).mean
      mean = min((sum + self.openCount * ofOpen) / all, Double(4 * PinSketch.syndromeLimit))
    }
    self.mean = mean
  }

  /// How many syndromes more cost the least: those of every open bucket, those of the buckets that will fail again, and
  /// the messages of another round if there are any. After the first extension there should be none.
  func bestExtension(isFirst: Bool) -> Int {
    let limit = PinSketch.syndromeLimit - syndromeCount
    // Where nothing was solved, nothing is known but that the mean is higher than it seemed.
    guard !isUnknown || openCount < 3 else { return min(max(syndromeCount, 16), limit) }
    let probabilities = Self.tail(mean: mean, above: syndromeCount).probabilities
    var (best, bestCost) = (1, Double.infinity)
    var failing = 1.0
    for more in 1...limit {
      failing = max(0, failing - (more <= probabilities.count ? probabilities[more - 1] : 0))
      let expected = openCount * failing
      if !isFirst, expected < Self.lastRisk { return more }
      let cost = openCount * Double(more) + expected * Self.nextExtension + Self.roundCost * min(1, expected)
      if isFirst, cost < bestCost { (best, bestCost) = (more, cost) }
    }
    return isFirst ? best : limit
  }

  /// In syndromes: what two more messages are worth on a link of 100 kbit/s and 60 ms there and back.
  private static let roundCost = 190.0
  /// How many buckets may fail the second extension.
  private static let lastRisk = 0.1
  /// What a bucket that fails again will need, about.
  private static let nextExtension = 12.0

  /// The sizes of buckets that have more than `count` ids: their mean, and the probabilities of `count` + 1, + 2, ….
  private static func tail(mean: Double, above count: Int) -> (mean: Double, probabilities: [Double]) {
    var weights: [Double] = []
    var (weight, total, moment) = (1.0, 0.0, 0.0)
    var size = count + 1
    while size < count + 600, weights.isEmpty || Double(size) < mean || weight > total * 1e-9 {
      weights.append(weight)
      total += weight
      moment += weight * Double(size)
      size += 1
      weight *= mean / Double(size)
    }
    return (moment / total, weights.map { $0 / total })
  }
}
