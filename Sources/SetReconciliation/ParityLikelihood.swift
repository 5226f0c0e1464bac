/// How likely parities are, for sizes of the set in steps of 2^(1/32).
enum ParityLikelihood {
  private static let stepsPerOctave = 32
  private static let octaves = 31
  /// The smallest u below is 2^-lowOctave.
  private static let lowOctave = 28

  /// d ids are expected to flip a bit of level l u/2 = d 2^-(l+1) / width times; such a bit is set with the probability
  /// (1 - e^-u) / 2. u is a power of 2^(1/32), so that all logarithms come from one table.
  static func mostLikelySize(ofSetBits counts: [Int], width: DifferenceEstimator.Width) -> Int {
    var (best, bestStep) = (-Double.infinity, 0)
    for step in 0...stepsPerOctave * octaves {
      var likelihood = 0.0
      for (level, count) in counts.enumerated() {
        let rarity = min(level + 1, counts.count - 1)  // the last level has what is left over
        let place = step + stepsPerOctave * (1 - rarity - width.indexBits + lowOctave)
        let entry = logarithms[min(max(place, 0), logarithms.count - 1)]
        likelihood += Double(count) * entry.set + Double(width.rawValue - count) * entry.clear
      }
      if likelihood > best { (best, bestStep) = (likelihood, step) }
    }
    let size = powers[bestStep % stepsPerOctave] * Double(1 << (bestStep / stepsPerOctave))
    return max(1, Int(size.rounded()))
  }

  /// 2^(i/32)
  private static let powers: [Double] = {
    let root = (0..<5).reduce(2.0) { value, _ in value.squareRoot() }
    return (0..<stepsPerOctave).reduce(into: [1.0]) { powers, _ in powers.append((powers.last ?? 1) * root) }
  }()

  /// The logarithms of the probabilities of a set and a clear bit, by the logarithm of u.
  private static let logarithms: [(set: Double, clear: Double)] = {
    var falls = powers.prefix(stepsPerOctave).map { power in
      let u = power / Double(1 << lowOctave)
      return u - u * u / 2  // 1 - e^-u
    }
    for place in 0..<stepsPerOctave * (lowOctave + octaves) {
      falls.append(falls[place] * (2 - falls[place]))  // for 2u
    }
    return falls.map { (logarithm($0 / 2), logarithm(1 - $0 / 2)) }
  }()

  /// To base 2, of a positive number: the series of the inverse hyperbolic tangent.
  private static func logarithm(_ value: Double) -> Double {
    let ratio = (value.significand - 1) / (value.significand + 1)
    let square = ratio * ratio
    var (sum, power, divisor) = (0.0, ratio, 1.0)
    while divisor < 40 {
      sum += power / divisor
      power *= square
      divisor += 2
    }
    return Double(value.exponent) + 2 * sum * 1.442695040888963407
  }
}
