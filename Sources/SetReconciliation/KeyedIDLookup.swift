/// Finds a set's ids that have given values, in one more pass over the set. What is found at the end belongs to this
/// side, what is not to the other.
public struct KeyedIDLookup: Sendable {
  private let space: KeyedIDSpace
  /// Mixed, and in groups by their first bits, about one in each: a hash table without collision chains.
  private let values: [UInt64]
  private var isMatched: [Bool]
  /// Where each group begins, and the count behind.
  private let starts: [Int32]
  private let startShift: UInt64
  /// Bits for the mixed values, most of which are clear, so that most ids are done with after one look.
  private let filter: [UInt64]
  private let filterShift: UInt64

  /// The most values that are looked for; further ones are ignored.
  public static let valueLimit = 1 << 24

  /// - Parameter values: In any order, the same one once or more.
  public init(values: [UInt64], space: KeyedIDSpace) {
    self.space = space
    let values = values.prefix(Self.valueLimit).map(Self.mix)
    let startBits = max(1, Int.bitWidth - values.count.leadingZeroBitCount)
    let startShift = UInt64(64 - startBits)
    self.startShift = startShift
    var starts = [Int32](repeating: 0, count: 1 << startBits + 1)
    for value in values { starts[Int(value >> startShift) + 1] += 1 }
    for index in 1..<starts.count { starts[index] += starts[index - 1] }
    self.starts = starts
    var grouped = [UInt64](repeating: 0, count: values.count)
    for value in values {
      let group = Int(value >> startShift)
      grouped[Int(starts[group])] = value
      starts[group] += 1
    }
    self.values = grouped
    isMatched = Array(repeating: false, count: values.count)
    // 32 to 64 bits for each value.
    let filterShift = startShift - 5
    self.filterShift = filterShift
    filter = values.reduce(into: Array(repeating: 0, count: 1 << (startBits - 1))) { filter, value in
      let bit = value >> filterShift
      filter[Int(bit >> 6)] |= 1 << (bit & 63)
    }
  }

  /// The places in `ids`, ascending, whose values are looked for.
  public mutating func matches(in ids: [KeyedID]) -> [Int] {
    guard !values.isEmpty else { return [] }
    var places: [Int] = []
    for index in ids.indices {
      let value = Self.mix(space.value(of: ids[index]))
      let bit = value &>> filterShift
      guard filter[Int(truncatingIfNeeded: bit >> 6)] &>> (bit & 63) & 1 == 1 else { continue }
      let group = Int(truncatingIfNeeded: value &>> startShift)
      var isFound = false
      for place in Int(starts[group])..<Int(starts[group + 1]) where values[place] == value {
        isMatched[place] = true
        isFound = true
      }
      if isFound { places.append(index) }
    }
    return places
  }

  /// The values that no id has had so far, ascending, each once.
  public var unmatched: [UInt64] {
    let sorted = values.indices.filter { !isMatched[$0] }.map { Self.unmixed(values[$0]) }.sorted()
    return sorted.indices.filter { $0 == 0 || sorted[$0] != sorted[$0 - 1] }.map { sorted[$0] }
  }

  /// Values are hashes, but their high bits are buckets or zero: Fibonacci hashing (Knuth). It is one to one.
  private static func mix(_ value: UInt64) -> UInt64 { value &* 0x9E37_79B9_7F4A_7C15 }

  /// The multiplier's inverse modulo 2^64.
  private static func unmixed(_ value: UInt64) -> UInt64 { value &* 0xF1DE_83E1_9937_733D }
}
