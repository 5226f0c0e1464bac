/// Finds the set that has given odd power sums, as PinSketch does: the sums are a linear recurrence whose shortest form
/// (Berlekamp and Massey) has the ids as roots, which traces tell apart (Berlekamp's trace algorithm, 1970).
///
/// c syndromes cost about 20 c^2 products in the field whatever they are, so garbage costs no more than a difference.
struct SyndromeDecoder {
  let kernel: FieldKernel

  /// The ids, ascending; `nil` unless at most as many ids as sums have exactly these sums.
  func decode(_ oddSums: some RandomAccessCollection<UInt32>) -> [UInt32]? {
    guard oddSums.contains(where: { $0 != 0 }) else { return [] }
    guard let locator = locator(of: oddSums), let roots = RootFinder(kernel: kernel).roots(of: locator),
      sums(of: roots, count: oddSums.count).elementsEqual(oddSums)
    else { return nil }
    return roots.sorted()
  }

  /// The monic polynomial whose roots are the ids, lowest coefficient first without the highest, which is 1.
  private func locator(of oddSums: some RandomAccessCollection<UInt32>) -> [UInt32]? {
    let count = 2 * oddSums.count
    // All power sums, the last first, so that both sides of the recurrence are read in one direction.
    var sums = [UInt32](repeating: 0, count: count)
    for (index, sum) in oddSums.enumerated() { sums[count - 1 - 2 * index] = sum }
    for power in stride(from: 2, through: count, by: 2) {
      sums[count - power] = BinaryField.square(sums[count - power / 2])
    }

    let capacity = count + 2
    var connection = [UInt32](repeating: 0, count: capacity)
    var previous = connection
    connection[0] = 1
    previous[0] = 1
    var (length, previousLength, shift) = (0, 0, 1)
    var previousDiscrepancyInverse: UInt32 = 1
    // In characteristic 2 every second discrepancy is 0.
    for step in stride(from: 0, to: count, by: 2) {
      let discrepancy = kernel.dot(connection, sums, at: count - 1 - step, count: length + 1)
      guard discrepancy != 0 else {
        shift += 2
        continue
      }
      guard 2 * length <= step else {
        add(previous, previousLength, discrepancy, previousDiscrepancyInverse, shift, to: &connection)
        shift += 2
        continue
      }
      let saved = connection
      add(previous, previousLength, discrepancy, previousDiscrepancyInverse, shift, to: &connection)
      previous = saved
      previousLength = length
      length = step + 1 - length
      previousDiscrepancyInverse = BinaryField.inverse(discrepancy)
      shift = 2
    }
    guard (1...oddSums.count).contains(length), connection[length] != 0 else { return nil }  // no id is 0
    return connection[1...length].reversed()
  }

  /// Adds the previous polynomial, scaled and shifted.
  private func add(
    _ previous: [UInt32], _ length: Int, _ discrepancy: UInt32, _ inverse: UInt32, _ shift: Int,
    to connection: inout [UInt32]
  ) {
    let count = min(length + 1, connection.count - shift)
    guard count > 0 else { return }
    kernel.multiplyAdd(
      previous[..<count], factor: BinaryField.multiply(discrepancy, inverse), to: &connection, at: shift)
  }

  private func sums(of ids: [UInt32], count: Int) -> ArraySlice<UInt32> {
    var sums = [UInt32](repeating: 0, count: FieldKernel.paddedWidth(count))
    let width = sums.count
    sums.withUnsafeMutableBufferPointer { sums in
      ids.withUnsafeBufferPointer { ids in
        guard let base = sums.baseAddress else { return }
        kernel.addOddPowers(of: ids, rows: nil, from: 0, width: width, to: base)
      }
    }
    return sums[..<count]
  }
}

extension FieldKernel {
  /// `destination[start + i] += factor * source[i]`; all of it must be within the destination.
  func multiplyAdd(_ source: ArraySlice<UInt32>, factor: UInt32, to destination: inout [UInt32], at start: Int) {
    precondition(start >= 0 && start + source.count <= destination.count)
    source.withUnsafeBufferPointer { source in
      destination.withUnsafeMutableBufferPointer { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        multiplyAdd(from, count: source.count, factor: factor, to: to + start)
      }
    }
  }

  /// The sum of `left[i] * right[start + i]`.
  func dot(_ left: [UInt32], _ right: [UInt32], at start: Int, count: Int) -> UInt32 {
    precondition(start >= 0 && count <= left.count && start + count <= right.count)
    return left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        return dot(left, right + start, count: count)
      }
    }
  }

  /// The sum of `factors[i]` times row i of the matrix, whose rows have `columns` elements.
  func combine(_ matrix: [UInt32], columns: Int, factors: ArraySlice<UInt32>, to destination: inout [UInt32]) {
    precondition(factors.count * columns <= matrix.count && columns <= destination.count)
    matrix.withUnsafeBufferPointer { matrix in
      factors.withUnsafeBufferPointer { factors in
        destination.withUnsafeMutableBufferPointer { destination in
          guard let rows = matrix.baseAddress, let scales = factors.baseAddress, let to = destination.baseAddress
          else { return }
          combine(rows, stride: columns, factors: scales, rows: factors.count, columns: columns, to: to)
        }
      }
    }
  }
}
