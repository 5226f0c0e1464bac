import Testing

@testable import SetReconciliation

@Suite struct DifferenceEstimatorTests {
  static func ratios(_ width: DifferenceEstimator.Width, differences: Int, times: Int, seed: UInt64) -> [Double] {
    var random = SeededRandom(seed)
    return (0..<times).map { _ in
      var estimator = DifferenceEstimator(width: width)
      estimator.add(random.ids(differences))
      let estimate = estimator.estimate(against: DifferenceEstimator(width: width)) ?? -1
      return Double(estimate) / Double(differences)
    }
    .sorted()
  }

  /// The error that the documentation states, and no bias.
  @Test(arguments: zip(DifferenceEstimator.Width.allCases, [0.6...1.6, 0.75...1.28, 0.82...1.2]))
  func estimatesAreAsGoodAsStated(_ width: DifferenceEstimator.Width, _ range: ClosedRange<Double>) {
    for differences in [100, 2_000] {
      let ratios = Self.ratios(width, differences: differences, times: 100, seed: UInt64(differences))
      #expect(range.contains(ratios[5]) && range.contains(ratios[94]), "\(differences): \(ratios[5]), \(ratios[94])")
      #expect((0.93...1.07).contains(ratios[50]), "\(differences): median \(ratios[50])")
    }
  }

  /// Small sets need few levels, and are estimated as well by them up to a difference of all that there is.
  @Test(arguments: [(10, 2), (100, 5), (1_000, 8), (10_000, 12), (100_000, 15), (1_000_000, 18), (Int.max, 18)])
  func levelsAreAsManyAsTheSetsNeed(entryCount: Int, levelCount: Int) throws {
    #expect(DifferenceEstimator(entryCount: entryCount).levelCount == levelCount)
    guard entryCount <= 10_000 else { return }
    var random = SeededRandom(6)
    for differences in [max(2, entryCount / 10), entryCount, 2 * entryCount] {
      let estimates = (0..<40).compactMap { _ in
        var estimator = DifferenceEstimator(entryCount: entryCount)
        estimator.add(random.ids(differences))
        return estimator.estimate(against: DifferenceEstimator(entryCount: entryCount))
      }
      .sorted()
      #expect(Double(estimates[4]) >= 0.55 * Double(differences) && estimates[35] <= 2 * differences)
    }
  }

  @Test func smallDifferencesAreSmall() {
    for differences in [1, 2, 5, 10] {
      let ratios = Self.ratios(.thin, differences: differences, times: 50, seed: 1)
      #expect(ratios[5...].allSatisfy { (0.3...2.5).contains($0) })
    }
  }

  @Test(arguments: DifferenceEstimator.Width.allCases) func whatIsSharedDoesNotCount(
    _ width: DifferenceEstimator.Width
  ) throws {
    var random = SeededRandom(3)
    let sets = random.sets(shared: 3_000, first: 400, second: 600)
    var first = DifferenceEstimator(width: width)
    var second = DifferenceEstimator(width: width)
    for batch in [0..<1_700, 1_700..<1_701, 1_701..<3_400] { first.add(Array(sets.first[batch])) }
    second.add(sets.second)
    let received = try #require(DifferenceEstimator(bytes: second.bytes, width: width))
    #expect(received == second && received.bytes.count == 18 * width.byteCount)
    let estimate = try #require(first.estimate(against: received))
    #expect((500...2_000).contains(estimate))
    #expect(first.estimate(against: first) == 0)
  }

  @Test func sizesBoundTheEstimate() {
    var random = SeededRandom(4)
    var estimator = DifferenceEstimator()
    estimator.add(random.ids(1_000))
    let empty = DifferenceEstimator()
    #expect(estimator.estimate(against: empty, ownCount: 5, otherCount: 2) == 7)
    #expect(estimator.estimate(against: empty, ownCount: 0, otherCount: 0) == 0)
    #expect(estimator.estimate(against: empty, ownCount: 5_000, otherCount: 10) == 4_990)
    #expect(estimator.estimate(against: empty, ownCount: .max, otherCount: .max).map { $0 % 2 } == 0)
    #expect(empty.estimate(against: empty, ownCount: 3, otherCount: 4) == 1)
    #expect(estimator.estimate(against: DifferenceEstimator(width: .wide)) == nil)
    #expect(estimator.estimate(against: DifferenceEstimator(levelCount: 17)) == nil)
  }

  @Test func anyBytesGiveSomeEstimate() throws {
    var random = SeededRandom(5)
    for width in DifferenceEstimator.Width.allCases {
      for size in 0...700 {
        let isWhole = size > 0 && size % width.byteCount == 0 && size / width.byteCount <= 18
        #expect((DifferenceEstimator(bytes: random.bytes(size), width: width) != nil) == isWhole)
      }
    }
    let lies = [random.bytes(72), [UInt8](repeating: 0xff, count: 72), [UInt8](repeating: 0, count: 71) + [1]]
    for bytes in lies {
      let estimate = try #require(
        DifferenceEstimator(bytes: bytes, width: .thin)?.estimate(against: DifferenceEstimator()))
      #expect((1...1 << 31).contains(estimate))
    }
  }
}
