internal import CSketchKernels

/// The loops over many elements of GF(2^32): in portable Swift, or by the processor's carry-less multiplication, which
/// is asked for when the program runs. Rows of sums are padded to a multiple of ``rowAlignment``.
struct FieldKernel: Hashable, Sendable {
  /// As ``CSketchKernels_multiply_level`` has it.
  let level: Int32

  static let rowAlignment = 8
  static let portable = FieldKernel(level: 0)
  /// The fastest that this processor has.
  static let best = FieldKernel(level: CSketchKernels_multiply_level())
  /// All that this processor has, so that tests can hold them against each other.
  static var available: [FieldKernel] { (0...best.level).map(FieldKernel.init) }

  static func paddedWidth(_ width: Int) -> Int { (width + rowAlignment - 1) / rowAlignment * rowAlignment }

  /// Adds x^(2 first + 1), x^(2 first + 3), … of each element x to its row of `width` sums.
  ///
  /// - Parameter rows: The row of each element; all go to row 0 where it is `nil`.
  func addOddPowers(
    of elements: UnsafeBufferPointer<UInt32>, rows: UnsafePointer<UInt32>?, from first: Int, width: Int,
    to sums: UnsafeMutablePointer<UInt32>
  ) {
    guard let base = elements.baseAddress, !elements.isEmpty else { return }
    guard level == 0 else {
      CSketchKernels_add_odd_powers(level, base, rows, elements.count, first, width, sums)
      return
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { table in
      for (index, element) in elements.enumerated() {
        let row = sums + (rows.map { Int($0[index]) } ?? 0) * width
        let square = BinaryField.square(element)
        Self.fill(table, multiplesOf: square)
        var power = element
        if first > 0 { power = BinaryField.multiply(power, Self.power(square, first)) }
        for place in 0..<width {
          row[place] ^= power
          power = Self.multiply(power, by: table)
        }
      }
    }
  }

  /// `destination[i] += factor * source[i]`
  func multiplyAdd(
    _ source: UnsafePointer<UInt32>, count: Int, factor: UInt32, to destination: UnsafeMutablePointer<UInt32>
  ) {
    guard level == 0 else {
      CSketchKernels_multiply_add(source, count, factor, destination)
      return
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { table in
      Self.fill(table, multiplesOf: factor)
      for place in 0..<count { destination[place] ^= Self.multiply(source[place], by: table) }
    }
  }

  /// The sum of `left[i] * right[i]`.
  func dot(_ left: UnsafePointer<UInt32>, _ right: UnsafePointer<UInt32>, count: Int) -> UInt32 {
    guard level == 0 else { return CSketchKernels_dot(left, right, count) }
    return (0..<count).reduce(0) { $0 ^ BinaryField.multiply(left[$1], right[$1]) }
  }

  /// `destination[j] +=` the sum of `factors[i] * matrix[i * stride + j]`, for rows i and columns j.
  func combine(
    _ matrix: UnsafePointer<UInt32>, stride: Int, factors: UnsafePointer<UInt32>, rows: Int, columns: Int,
    to destination: UnsafeMutablePointer<UInt32>
  ) {
    guard level == 0 else {
      CSketchKernels_combine(matrix, stride, factors, rows, columns, destination)
      return
    }
    for row in 0..<rows where factors[row] != 0 {
      multiplyAdd(matrix + row * stride, count: columns, factor: factors[row], to: destination)
    }
  }

  private static func power(_ base: UInt32, _ exponent: Int) -> UInt32 {
    var (result, base, exponent) = (UInt32(1), base, exponent)
    while exponent > 0 {
      if exponent & 1 == 1 { result = BinaryField.multiply(result, base) }
      base = BinaryField.square(base)
      exponent >>= 1
    }
    return result
  }

  /// The carry-less products of an element with 0 to 15, for many multiplications by it.
  private static func fill(_ table: UnsafeMutableBufferPointer<UInt64>, multiplesOf element: UInt32) {
    table[0] = 0
    table[1] = UInt64(element)
    for index in 1..<8 {
      table[2 * index] = table[index] << 1
      table[2 * index + 1] = table[index] << 1 ^ UInt64(element)
    }
  }

  private static func multiply(_ element: UInt32, by table: UnsafeMutableBufferPointer<UInt64>) -> UInt32 {
    func part(_ shift: UInt32) -> UInt64 { table[Int(element &>> shift & 15)] << UInt64(shift) }
    let low = part(0) ^ part(4) ^ part(8) ^ part(12)
    return BinaryField.reduce(low ^ part(16) ^ part(20) ^ part(24) ^ part(28))
  }
}
