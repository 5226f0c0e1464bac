/// Tells the ids of a difference from its cells, as they come: a cell that holds one symbol gives it, which is then
/// taken out of all others.
///
/// It makes no more symbols than there are cells and takes each out once, so that cells that only look as if they held
/// one symbol, of which a hostile peer can make as many as it likes, cost what honest ones do.
public struct RatelessDecoder: Sendable {
  private var cells: [RatelessCells.Cell] = []
  private var recovered: [(check: UInt32, mapping: RatelessMapping)] = []
  private var isRefused = false
  /// What was told so far: values of ``KeyedID``, in no order.
  public private(set) var symbols: [UInt64] = []

  public init() {}

  /// How many cells came so far: where the next have to begin.
  public var cellCount: Int { cells.count }

  /// All is told.
  public var isComplete: Bool { !isRefused && !cells.isEmpty && cells.allSatisfy(\.isEmpty) }

  /// The next cells of the difference.
  ///
  /// - Returns: `false` where they do not follow on what came so far, and from then on when they are no set's.
  public mutating func append(_ difference: RatelessCells) -> Bool {
    guard !isRefused, difference.indexes.lowerBound == cells.count else { return false }
    let first = cells.count
    cells += difference.cells
    var candidates: [Int] = []
    for index in recovered.indices { takeOut(index, &candidates) }
    candidates = Array((first..<cells.count).reversed())
    while let index = candidates.popLast() {
      let cell = cells[index]
      guard Self.looksSingle(cell) else { continue }
      guard symbols.count < cells.count else {
        isRefused = true
        return false
      }
      symbols.append(cell.sum)
      recovered.append((cell.check, RatelessMapping(symbol: cell.sum)))
      takeOut(recovered.count - 1, &candidates)
      // A symbol that does not belong there stays: the cell is a lie, or one accident in 2^32.
      guard cells[index].isEmpty else {
        isRefused = true
        return false
      }
    }
    return true
  }

  private static func looksSingle(_ cell: RatelessCells.Cell) -> Bool {
    !cell.isEmpty && RatelessMapping.check(cell.sum) == cell.check
  }

  /// Takes a symbol out of the cells where it was left so far, and notes those that one symbol may be left in.
  private mutating func takeOut(_ index: Int, _ candidates: inout [Int]) {
    let (symbol, check) = (symbols[index], recovered[index].check)
    var mapping = recovered[index].mapping
    while mapping.index < cells.count {
      cells[mapping.index].add(symbol, check)
      if Self.looksSingle(cells[mapping.index]) { candidates.append(mapping.index) }
      mapping.advance()
    }
    recovered[index].mapping = mapping
  }
}
