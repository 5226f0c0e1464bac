/// A set of small numbers, one bit each.
struct ItemSet: Hashable {
  private(set) var words: [UInt64] = []

  init(_ items: [Int] = []) {
    for item in items { insert(item) }
  }

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// - Returns: Whether it was not there.
  @discardableResult
  mutating func insert(_ item: Int) -> Bool {
    while words.count <= item / 64 { words.append(0) }
    let bit = UInt64(1) << UInt64(item % 64)
    defer { words[item / 64] |= bit }
    return words[item / 64] & bit == 0
  }

  /// Adds the lowest items of `other` that are not here.
  ///
  /// - Returns: How many.
  mutating func take(_ limit: Int, from other: ItemSet) -> Int {
    var taken = 0
    for (index, word) in other.words.enumerated() where taken < limit {
      if words.count <= index { words.append(0) }
      var missing = word & ~words[index]
      while missing != 0, taken < limit {
        let bit = missing & (~missing &+ 1)
        words[index] |= bit
        missing &= ~bit
        taken += 1
      }
    }
    return taken
  }
}
