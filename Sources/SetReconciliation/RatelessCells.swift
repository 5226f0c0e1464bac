/// A stretch of the endless sequence of cells that a rateless invertible Bloom lookup table makes of a set: RIBLT
/// (Yang, Gilad and Alizadeh, "Practical Rateless Set Reconciliation", 2024, arXiv 2402.02668). The exclusive or of two
/// sets' cells are the cells of the difference; about 1.35 cells for each of its ids are enough to tell them, however
/// many.
///
/// The symbols are keyed ids, 8 bytes. A cell is the exclusive or of its symbols and of their 32-bit checks, 12 bytes
/// on the wire, little-endian. There is no count: which set a symbol is of shows when it is looked up there.
public struct RatelessCells: SetSummary, Hashable {
  public static let cellByteCount = 12
  /// No sequence is used beyond this many cells.
  public static let cellLimit = 1 << 22

  struct Cell: Hashable, BitwiseCopyable {
    var sum: UInt64 = 0
    var check: UInt32 = 0

    var isEmpty: Bool { sum == 0 && check == 0 }

    mutating func add(_ symbol: UInt64, _ check: UInt32) {
      sum ^= symbol
      self.check ^= check
    }
  }

  public let indexes: Range<Int>
  private(set) var cells: [Cell]

  /// The empty set's; `nil` for a range that is empty or not within 0 and ``cellLimit``.
  public init?(indexes: Range<Int>) {
    guard !indexes.isEmpty, indexes.lowerBound >= 0, indexes.upperBound <= Self.cellLimit else { return nil }
    self.indexes = indexes
    cells = Array(repeating: Cell(), count: indexes.count)
  }

  /// Cells that a peer made; `nil` unless there are 12 bytes for each.
  public init?(bytes: [UInt8], indexes: Range<Int>) {
    guard bytes.count == Self.cellByteCount * indexes.count else { return nil }
    self.init(indexes: indexes)
    for index in cells.indices {
      let start = Self.cellByteCount * index
      for place in (0..<8).reversed() { cells[index].sum = cells[index].sum << 8 | UInt64(bytes[start + place]) }
      for place in (8..<12).reversed() { cells[index].check = cells[index].check << 8 | UInt32(bytes[start + place]) }
    }
  }

  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.cellByteCount * cells.count)
    for cell in cells {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: cell.sum >> UInt64(8 * shift))) }
      for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: cell.check >> UInt32(8 * shift))) }
    }
    return bytes
  }

  public mutating func add(_ ids: [KeyedID]) {
    let (first, end) = (indexes.lowerBound, indexes.upperBound)
    cells.withUnsafeMutableBufferPointer { cells in
      var next = 0
      func nextLane() -> Lane? {
        while next < ids.count {
          let lane = Lane(ids[next], from: first)
          next += 1
          if lane.mapping.index < end { return lane }
        }
        return nil
      }
      func step(_ lane: inout Lane) {
        cells[lane.mapping.index &- first].add(lane.symbol, lane.check)
        lane.mapping.advance()
      }
      func finish(_ lane: inout Lane) { while lane.mapping.index < end { step(&lane) } }

      guard var one = nextLane() else { return }
      guard var two = nextLane() else { return finish(&one) }
      guard var three = nextLane() else {
        finish(&one)
        return finish(&two)
      }
      // A step waits for the one before; three ids at once wait together.
      while true {
        step(&one)
        step(&two)
        step(&three)
        if one.mapping.index >= end {
          guard let lane = nextLane() else { break }
          one = lane
        }
        if two.mapping.index >= end {
          guard let lane = nextLane() else { break }
          two = lane
        }
        if three.mapping.index >= end {
          guard let lane = nextLane() else { break }
          three = lane
        }
      }
      finish(&one)
      finish(&two)
      finish(&three)
    }
  }

  /// A symbol on its way through the cells.
  private struct Lane {
    let symbol: UInt64
    let check: UInt32
    var mapping: RatelessMapping

    init(_ id: KeyedID, from first: Int) {
      symbol = id.value
      check = RatelessMapping.check(id.value)
      mapping = RatelessMapping(symbol: id.value)
      while mapping.index < first { mapping.advance() }
    }
  }

  /// Makes these the cells of the difference between the two sets; `false`, and nothing done, for other indexes.
  public mutating func formDifference(with other: RatelessCells) -> Bool {
    guard indexes == other.indexes else { return false }
    for index in cells.indices { cells[index].add(other.cells[index].sum, other.cells[index].check) }
    return true
  }

  /// How many cells tell so many ids in nineteen cases of twenty.
  public static func cellCount(differences: Int) -> Int {
    let bounded = Double(min(max(differences, 0), cellLimit))
    return min(Int(1.36 * bounded + 2.5 * bounded.squareRoot()) + 2, cellLimit)
  }
}
