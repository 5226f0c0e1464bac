import ArgumentParser
import Foundation

/// What of the bytes on a Bluetooth link is entries. Counts, not times: the same on every machine.
struct LinkBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link",
    abstract: "The share of entries in all bytes that two syncing devices put on a simulated Bluetooth link.",
    discussion: """
      Counted are ATT values or L2CAP packets in both directions: the handshake, reconciliation, encryption,
      acknowledgements and frame headers are cost.
      """)

  @Flag(help: "Print JSON.") var json = false

  @Option(help: "Only the cases whose name has this in it.") var only: String?

  @Option(
    help: ArgumentHelp("Fail when a share is below the one in this JSON file, by case.", valueName: "file"),
    completion: .file())
  var floors: String?

  func run() async throws {
    let floors = try floors.map {
      try JSONDecoder().decode([String: Double].self, from: Data(contentsOf: URL(filePath: $0)))
    }
    var results: [LinkCase.Result] = []
    for linkCase in LinkCase.all where only.map(linkCase.name.contains) ?? true {
      results.append(try await linkCase.measure())
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      print(String(decoding: try encoder.encode(results), as: UTF8.self))
    } else {
      for result in results {
        print(
          result.case.padding(toLength: 20, withPad: " ", startingAt: 0),
          String(format: "%5.2f %%  %7d frames  %8d bytes", 100 * result.share, result.frames, result.bytes))
      }
    }
    let low = results.filter { $0.share < floors?[$0.case] ?? 0 }
    guard low.isEmpty else {
      for result in low { FileHandle.standardError.write(Data("below its floor: \(result.case)\n".utf8)) }
      throw ExitCode.failure
    }
    if let floors, only == nil,
      let missing = floors.keys.first(where: { name in !results.contains { $0.case == name } })
    {
      throw ValidationError("There is no case \(missing).")
    }
  }
}
