/// The roots of a polynomial over GF(2^32) that has as many as its degree, all different.
///
/// With X(i) = x^(2^i) modulo the polynomial, X(32) = x says that it is such a polynomial, and the trace of b x, the
/// sum of b^(2^i) X(i), is 0 at about half of the roots and 1 at the others. The traces of the 32 elements b = 2^j tell
/// any two roots apart, so that splitting by one after the other comes to an end whatever the polynomial is.
struct RootFinder {
  private static let fieldBits = 32

  let kernel: FieldKernel

  /// - Parameter polynomial: Monic, lowest coefficient first, without the highest, which is 1.
  /// - Returns: The roots, in no order; `nil` where the polynomial has fewer than its degree.
  func roots(of polynomial: [UInt32]) -> [UInt32]? {
    guard polynomial.count > 1 else { return polynomial }
    guard let powers = frobeniusPowers(modulo: polynomial) else { return nil }
    var traces: [[UInt32]] = []
    var roots: [UInt32] = []
    var open: [(factor: [UInt32], basis: Int)] = [(polynomial, 0)]
    while let (factor, basis) = open.popLast() {
      guard factor.count > 1 else {
        roots.append(contentsOf: factor)
        continue
      }
      guard basis < Self.fieldBits else { return nil }  // cannot be: all traces at two different roots are equal
      if basis == traces.count { traces.append(trace(basis, powers, degree: polynomial.count)) }
      let part = greatestCommonDivisor(factor, remainder(traces[basis], modulo: factor))
      if (1..<factor.count).contains(part.count) {
        open.append((part, basis + 1))
        open.append((quotient(factor, by: part), basis + 1))
      } else {
        open.append((factor, basis + 1))
      }
    }
    return roots
  }

  /// X(0) to X(31), row by row; `nil` unless X(32) = X(0).
  private func frobeniusPowers(modulo polynomial: [UInt32]) -> [UInt32]? {
    let degree = polynomial.count
    // Squaring is linear: the sum of a(i)^2 x^(2i). The high ones of those x^(2i), reduced, are made once.
    let lowCount = (degree + 1) / 2
    var evenPowers: [UInt32] = []
    evenPowers.reserveCapacity((degree - lowCount) * degree)
    var power = polynomial  // x^degree
    if degree % 2 == 1 { multiplyByX(&power, modulo: polynomial) }
    for _ in lowCount..<degree {
      evenPowers += power
      multiplyByX(&power, modulo: polynomial)
      multiplyByX(&power, modulo: polynomial)
    }

    var current = [UInt32](repeating: 0, count: degree)
    current[1] = 1
    let first = current
    var powers: [UInt32] = []
    powers.reserveCapacity(Self.fieldBits * degree)
    for _ in 0..<Self.fieldBits {
      powers += current
      let squares = current.map(BinaryField.square)
      for index in 0..<degree { current[index] = index % 2 == 0 ? squares[index / 2] : 0 }
      kernel.combine(evenPowers, columns: degree, factors: squares[lowCount...], to: &current)
    }
    return current == first ? powers : nil
  }

  private func multiplyByX(_ value: inout [UInt32], modulo polynomial: [UInt32]) {
    let high = value.removeLast()
    value.insert(0, at: 0)
    kernel.multiplyAdd(polynomial[...], factor: high, to: &value, at: 0)
  }

  /// The trace of 2^basis x.
  private func trace(_ basis: Int, _ powers: [UInt32], degree: Int) -> [UInt32] {
    var factors: [UInt32] = []
    var factor: UInt32 = 1 << UInt32(basis)
    for _ in 0..<Self.fieldBits {
      factors.append(factor)
      factor = BinaryField.square(factor)
    }
    var trace = [UInt32](repeating: 0, count: degree)
    kernel.combine(powers, columns: degree, factors: factors[...], to: &trace)
    return trace
  }

  /// What is left of `value`, all of whose coefficients are given, when it is divided by a monic polynomial.
  private func remainder(_ value: [UInt32], modulo divisor: [UInt32]) -> [UInt32] {
    var rest = value
    while rest.count > divisor.count {
      let high = rest.removeLast()
      guard high != 0 else { continue }
      kernel.multiplyAdd(divisor[...], factor: high, to: &rest, at: rest.count - divisor.count)
    }
    return rest
  }

  /// Both monic, and so is the result.
  private func quotient(_ dividend: [UInt32], by divisor: [UInt32]) -> [UInt32] {
    let degree = dividend.count - divisor.count
    var rest = dividend
    var quotient = [UInt32](repeating: 0, count: degree)
    var high: UInt32 = 1
    for place in (0..<degree).reversed() {
      kernel.multiplyAdd(divisor[...], factor: high, to: &rest, at: place + 1)
      high = rest.removeLast()
      quotient[place] = high
    }
    return quotient
  }

  /// Of a monic polynomial and one of lower degree, all of whose coefficients are given. The result is monic, without
  /// its highest coefficient; the empty polynomial is 1.
  private func greatestCommonDivisor(_ polynomial: [UInt32], _ other: [UInt32]) -> [UInt32] {
    var (divisor, rest) = (polynomial, other)
    while let monic = madeMonic(rest) {
      (divisor, rest) = (monic, remainder(divisor + [1], modulo: monic))
    }
    return divisor
  }

  /// Divided by its highest coefficient, which is left out; `nil` for 0.
  private func madeMonic(_ value: [UInt32]) -> [UInt32]? {
    guard let degree = value.lastIndex(where: { $0 != 0 }) else { return nil }
    var monic = [UInt32](repeating: 0, count: degree)
    kernel.multiplyAdd(value[..<degree], factor: BinaryField.inverse(value[degree]), to: &monic, at: 0)
    return monic
  }
}
