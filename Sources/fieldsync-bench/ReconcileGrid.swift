import FieldCore

/// Sizes of sets and differences of all kinds; in each cell the whole ladder, and what each rung that finds differences
/// takes alone, over the same sets under the same keys. `Docs/RECONCILIATION.md` says what is compared, and why.
struct ReconcileGrid {
  /// Of the sets.
  var sizes: ClosedRange<Int>
  /// Fewer for sets of a million, which take long.
  var seeds: Int
  var link: ReconcileCase.Link

  private static let allSizes = [0, 1, 10, 1000, 10_000, 100_000, 1_000_000]
  private static let differences = [
    0, 1, 2, 3, 5, 10, 17, 24, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 300, 400, 500, 700, 1000, 2000, 5000, 10_000,
    20_000, 50_000, 100_000,
  ]
  /// A cell that is over its bound is measured with so many times the seeds, and all of them count.
  private static let patience = 5
  /// Differences in proportion to the set, in percent.
  private static let shares = [20, 30, 40, 50, 60, 70, 90, 100]
  private static let rungs: [Rung] = [.summarySketch, .partitionedSketch, .ratelessCells, .idList]

  /// In order of size.
  func measure(_ report: (ReconcileGridCell) throws -> Void) throws {
    for entries in Self.allSizes where sizes.contains(entries) {
      let fixed = Self.differences.filter { $0 <= entries }
      for differences in Set(fixed + Self.shares.map { entries * $0 / 100 }).sorted() {
        for split in differences > 0 ? ReconcileCase.Split.allCases : [.even] {
          for cell in try cells(entries, differences, split) { try report(cell) }
        }
      }
    }
  }

  /// Once where the first side has nothing to go by, and once where it knows what it gained since both were equal.
  private func cells(_ entries: Int, _ differences: Int, _ split: ReconcileCase.Split) throws -> [ReconcileGridCell] {
    // Sides that were equal when they had nothing remember nothing.
    let expectations: [Int?] = differences < entries ? [-1, nil] : [-1]
    let setups: [ReconcileCase] = expectations.map { expected in
      ReconcileCase(entries: entries, differences: differences, split: split, link: link, expected: expected)
    }
    var cells = setups.map { ReconcileGridCell($0) }
    let count = max(5, min(seeds, seeds * 100_000 / max(entries, 1)))
    try add(1...UInt64(count), of: setups, to: &cells)
    if !cells.allSatisfy(\.isHeld) {
      try add(UInt64(count + 1)...UInt64(count * Self.patience), of: setups, to: &cells)
    }
    return cells
  }

  private func add(
    _ seeds: ClosedRange<UInt64>, of setups: [ReconcileCase], to cells: inout [ReconcileGridCell]
  ) throws {
    for seed in seeds {
      let sets = ReconcileSets(setups[0], seed: seed)
      for index in cells.indices {
        var all = sets
        let run = try ReconcileRun(&all, setups[index])
        // A collision of short ids has no more to do with one rung than with another.
        guard run.repetitions == 0 else { continue }
        cells[index].add(run)
        for rung in Self.rungs where cells[index].mayWin(rung) {
          var (alone, setup) = (sets, setups[index])
          setup.rung = rung
          cells[index].add(try? ReconcileRun(&alone, setup), of: rung)
        }
      }
    }
  }
}
