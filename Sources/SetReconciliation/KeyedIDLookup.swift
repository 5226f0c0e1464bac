/// Finds a set's ids that have given values, in one more pass over the set. What is found at the end belongs to this
/// side, what is not to the other.
public struct KeyedIDLookup: Sendable {
  private let space: KeyedIDSpace
  /// Ascending by ``mix(_:)``, so that a value's place is found by its first bits.
  private let values: [UInt64]
  private var isMatched: [Bool]
  /// The place of the first value whose mix has these first bits, for all of them, and the count behind.
  private let starts: [Int32]
  private let startShift: UInt64
  /// Bits for the mixes, most of which are clear, so that most ids are done with after one look.
  private let filter: [UInt64]
  private let filterShift: UInt64

  /// The most values that are looked for; further ones are ignored.
  public static let valueLimit = 1 << 24

  /// - Parameter values: In any order, the same one once or more.
  public init(values: [UInt64], space: KeyedIDSpace) {
    self.space = space
    let values = Array(Set(values.prefix(Self.valueLimit))).sorted { Self.mix($0) < Self.mix($1) }
    self.values = values
    isMatched = Array(repeating: false, count: values.count)
    let startBits = max(1, Int.bitWidth - values.count.leadingZeroBitCount)
    let startShift = UInt64(64 - startBits)
    self.startShift = startShift
    var starts = [Int32](repeating: 0, count: 1 << startBits + 1)
    for value in values { starts[Int(Self.mix(value) >> startShift) + 1] += 1 }
    for index in 1..<starts.count { starts[index] += starts[index - 1] }
    self.starts = starts
    // 32 to 64 bits for each value.
    let filterShift = startShift - 5
    self.filterShift = filterShift
    filter = values.reduce(into: Array(repeating: 0, count: 1 << (startBits - 1))) { filter, value in
      let bit = Self.mix(value) >> filterShift
      filter[Int(bit >> 6)] |= 1 << (bit & 63)
    }
  }

  /// The places in `ids`, ascending, whose values are looked for.
  public mutating func matches(in ids: [KeyedID]) -> [Int] {
    guard !values.isEmpty else { return [] }
    var places: [Int] = []
    for index in ids.indices {
      let value = space.value(of: ids[index])
      let bit = Self.mix(value) &>> filterShift
      guard filter[Int(truncatingIfNeeded: bit >> 6)] &>> (bit & 63) & 1 == 1, let found = place(of: value) else {
        continue
      }
      isMatched[found] = true
      places.append(index)
    }
    return places
  }

  /// The values that no id has had so far, ascending.
  public var unmatched: [UInt64] { values.indices.filter { !isMatched[$0] }.map { values[$0] }.sorted() }

  private func place(of value: UInt64) -> Int? {
    let start = Int(truncatingIfNeeded: Self.mix(value) &>> startShift)
    return (Int(starts[start])..<Int(starts[start + 1])).first { values[$0] == value }
  }

  /// Values are hashes, but their high bits are buckets or zero: Fibonacci hashing (Knuth). It is one to one.
  private static func mix(_ value: UInt64) -> UInt64 { value &* 0x9E37_79B9_7F4A_7C15 }
}
