import ArgumentParser
import FieldCore
import Foundation

/// Two sides of a reconciliation in one process, over the messages as they go on the wire: what it takes until both
/// sides know what to send. The request for what is lacking is inside, the entries are not.
struct ReconcileBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconcile",
    abstract: "Bytes, messages, CPU and memory until two sides know how their sets differ.",
    discussion: """
      Both sides hold about the same number of entries; the differences are split between them. A run whose result is
      not exact is repeated under another key, as sessions do it, and all of it counts.
      """)

  @Option(help: "Entries of each side.") var entries = 1_000_000

  @Option(help: "How many entries one side alone holds, both sides together.") var differences = 1_000

  @Option(help: "Where the differences stand in the order of arrival.") var order = ReconcileCase.Order.scattered

  @Option(help: "Who has what the other lacks: both sides, the first, which speaks first, or the second.")
  var split = ReconcileCase.Split.even

  @Option(help: "The link that the planner believes in.") var link = ReconcileCase.Link.ble

  @Option(
    help: ArgumentHelp("The only rung that may be used, besides equal roots.", valueName: "name"),
    transform: ReconcileBenchmark.rung)
  var rung: Rung?

  @Option(help: "How many entries each side has got since both were last equal; a base record names the rest.")
  var since: Int?

  @Option(
    name: .long, parsing: .unconditional,
    help: "How many differences both sides expect: by default twice what each gained alone; -1 for unknown.")
  var expected: Int?

  @Option(help: "Runs with different sets, whose means are given.") var seeds = 1

  @Option(help: "The first run's sets.") var seed: UInt64 = 1

  @Option(help: "A JSON file of cases with bounds on bytes and messages, to be held to instead of one case.")
  var floors: String?

  @Option(help: "Entries of the grid's smallest sets.") var smallest = 0

  @Flag(
    help: ArgumentHelp(
      "Hold the ladder to the best rung alone over a grid of sizes up to --entries, instead of one case.",
      discussion: """
        With 20 seeds each, fewer for a million entries, unless --seeds says more; five times as many where a cell is \
        over its bound.
        """))
  var grid = false

  @Flag(help: "Print JSON, a line for each case.") var json = false

  private var setup: ReconcileCase {
    ReconcileCase(
      entries: entries, differences: differences, order: order, split: split, link: link, rung: rung, since: since,
      expected: expected)
  }

  private static func rung(_ name: String) throws -> Rung {
    guard let rung = Rung(rawValue: name), Rung.ladder.contains(rung) else {
      let names = Rung.allCases.filter(Rung.ladder.contains).map(\.rawValue)
      throw ValidationError("The rungs are \(names.joined(separator: ", ")).")
    }
    return rung
  }

  func validate() throws {
    if let complaint = setup.complaint { throw ValidationError(complaint) }
    guard 0...entries ~= smallest else { throw ValidationError("--smallest is between 0 and --entries.") }
    guard (1...10_000).contains(seeds) else { throw ValidationError("Between 1 and 10,000 runs.") }
  }

  func run() throws {
    if grid {
      let grid = ReconcileGrid(sizes: smallest...entries, seeds: max(seeds, 20), link: link)
      var broken = 0
      try grid.measure { cell in
        if !cell.isHeld { broken += 1 }
        try show(cell)
      }
      if broken > 0 { throw ExitCode.failure }
      return
    }
    guard let floors else {
      try show(setup.measured(seeds: seeds, firstSeed: seed))
      return
    }
    var broken = 0
    for floor in try ReconcileFloor.read(floors) {
      let summary = try floor.setup.measured(seeds: floor.seeds)
      try show(summary)
      guard !floor.isHeld(by: summary) else { continue }
      broken += 1
      FileHandle.standardError.write(
        Data("Worse than its floor of \(Int(floor.bytes)) bytes, \(floor.messages) messages: \(summary)\n".utf8))
    }
    if broken > 0 { throw ExitCode.failure }
  }

  private func show(_ summary: some Encodable & CustomStringConvertible) throws {
    guard json else {
      print(summary)
      return
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    print(String(decoding: try encoder.encode(summary), as: UTF8.self))
  }
}

extension ReconcileCase.Split: ExpressibleByArgument {}
extension ReconcileCase.Order: ExpressibleByArgument {}
extension ReconcileCase.Link: ExpressibleByArgument {}
