import FieldCore

/// What ``ReconcileBenchmark`` measures.
struct ReconcileCase {
  /// Of each side.
  var entries: Int
  /// Entries that one side alone holds, both sides together.
  var differences: Int
  var order = Order.scattered
  var split = Split.even
  var link = Link.ble
  /// The only rung that may be used, besides equal roots.
  var rung: Rung?
  /// How many entries each side has got since both were last equal; a base record names the rest.
  var since: Int?
  /// How many differences the sides expect; below 0, they have nothing to go by. `nil` is what a side knows that
  /// remembers when both were last equal: what it has gained alone, and as much again.
  var expected: Int?

  var expectedDifferences: (first: Int?, second: Int?) {
    guard let expected else { return (2 * firstOnlyCount, 2 * secondOnlyCount) }
    return expected < 0 ? (nil, nil) : (expected, expected)
  }

  /// Where the differences stand in the order of arrival.
  enum Order: String, Codable, CaseIterable { case scattered, recent }

  /// Who has what the other lacks. The first side speaks first; a side that has less than the other has fewer than
  /// ``entries``.
  enum Split: String, Codable, CaseIterable { case even, first, second }

  var firstOnlyCount: Int { split == .even ? (differences + 1) / 2 : split == .first ? differences : 0 }
  var secondOnlyCount: Int { differences - firstOnlyCount }

  /// The link that the planner believes in.
  enum Link: String, Codable, CaseIterable {
    case ble, lan

    var measure: LinkMeasure { self == .ble ? .bluetooth : .lan }
  }

  /// What is wrong with it; `nil` for nothing.
  var complaint: String? {
    guard (0...10_000_000).contains(entries), (0...2 * entries).contains(differences) else {
      return "Between 0 and 10,000,000 entries, and at most twice as many differences."
    }
    if split != .even, differences > entries { return "One side alone cannot have more than there is." }
    if let since, since * 2 < differences || since > entries {
      return "What came since has to hold the differences, and be no more than all entries."
    }
    return nil
  }

  /// Means over as many runs, each with other sets.
  func measured(seeds: Int, firstSeed: UInt64 = 1) throws -> ReconcileSummary {
    let runs = try (0..<UInt64(max(seeds, 1))).map { index in
      var sets = ReconcileSets(self, seed: firstSeed + index)
      return try ReconcileRun(&sets, self)
    }
    return ReconcileSummary(runs, of: self)
  }
}
