import Testing

@testable import SetReconciliation

@Suite struct FieldTests {
  /// Multiplication as it is defined, bit by bit.
  static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
    var (result, factor) = (UInt32(0), left)
    for bit in 0..<32 {
      if right >> UInt32(bit) & 1 == 1 { result ^= factor }
      factor = factor << 1 ^ (factor >> 31 == 1 ? 0b1000_1101 : 0)
    }
    return result
  }

  static let edges: [UInt32] = [0, 1, 2, 3, 0x8000_0000, 0xffff_ffff, 0x1111_1111, 0x8888_8888, 0x8d]

  @Test func multiplicationIsThatOfTheField() {
    var random = SeededRandom(1)
    for left in Self.edges + random.elements(200) {
      for right in Self.edges + random.elements(20) {
        #expect(BinaryField.multiply(left, right) == Self.product(left, right), "\(left) * \(right)")
      }
      #expect(BinaryField.square(left) == Self.product(left, left))
      #expect(BinaryField.multiply(left, BinaryField.inverse(left)) == (left == 0 ? 0 : 1))
    }
  }

  /// Some element's powers are all elements but 0, so these are a field.
  @Test func polynomialIsIrreducible() {
    func power(_ base: UInt32, _ exponent: UInt64) -> UInt32 {
      (0..<32).reversed().reduce(UInt32(1)) { value, bit in
        let squared = BinaryField.square(value)
        return exponent >> UInt64(bit) & 1 == 1 ? BinaryField.multiply(squared, base) : squared
      }
    }
    let order: UInt64 = 0xffff_ffff
    let generator = (2..<50).first { base in
      power(base, order) == 1 && [3, 5, 17, 257, 65537].allSatisfy { power(base, order / $0) != 1 }
    }
    #expect(generator != nil)
  }

  @Test(arguments: FieldKernel.available) func oddPowersAreTheDefinition(_ kernel: FieldKernel) {
    var random = SeededRandom(2)
    for (count, first, width) in [(1, 0, 8), (7, 0, 24), (8, 3, 48), (19, 24, 16), (65, 101, 8), (0, 0, 8)] {
      let elements = Self.edges.prefix(count) + random.elements(max(0, count - Self.edges.count))
      let rows = elements.indices.map { _ in UInt32.random(in: 0..<5, using: &random) }
      var expected = [UInt32](repeating: 0, count: 5 * width)
      for (element, row) in zip(elements, rows) {
        let square = Self.product(element, element)
        var power = (0..<first).reduce(element) { power, _ in Self.product(power, square) }
        for place in 0..<width {
          expected[Int(row) * width + place] ^= power
          power = Self.product(power, square)
        }
      }
      var sums = [UInt32](repeating: 0, count: 5 * width)
      Array(elements).withUnsafeBufferPointer { elements in
        sums.withUnsafeMutableBufferPointer { sums in
          guard let base = sums.baseAddress else { return }
          kernel.addOddPowers(of: elements, rows: rows, from: first, width: width, to: base)
        }
      }
      #expect(sums == expected, "\(count) elements from \(first)")
    }
  }

  @Test(arguments: FieldKernel.available) func loopsAreTheDefinition(_ kernel: FieldKernel) {
    var random = SeededRandom(3)
    for count in [0, 1, 3, 4, 7, 8, 9, 16, 31] {
      let source = random.elements(count)
      for factor in Self.edges {
        var destination = random.elements(count + 2)
        let expected = destination.indices.map { index in
          index < 1 || index > count ? destination[index] : destination[index] ^ Self.product(factor, source[index - 1])
        }
        kernel.multiplyAdd(source[...], factor: factor, to: &destination, at: 1)
        #expect(destination == expected)
      }
      let right = random.elements(count + 1)
      let sum = zip(source, right.dropFirst()).reduce(UInt32(0)) { $0 ^ Self.product($1.0, $1.1) }
      #expect(kernel.dot(source, right, at: 1, count: count) == sum)

      let factors = Array(Self.edges.prefix(count))
      let matrix = random.elements(factors.count * count)
      var destination = random.elements(count)
      let expected = destination.indices.map { column in
        factors.indices.reduce(destination[column]) { $0 ^ Self.product(factors[$1], matrix[$1 * count + column]) }
      }
      kernel.combine(matrix, columns: count, factors: factors[...], to: &destination)
      #expect(destination == expected)
    }
  }
}
