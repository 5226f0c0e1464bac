import ArgumentParser
import Foundation

struct StoreBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Entries a second into and out of a store on disk, beside SQLite's own calls on the same rows.")

  @Option(help: "How many entries.") var entries = 50_000

  @Option(help: "The size of each entry's payload.") var payload = 400

  @Flag(help: "Print JSON.") var json = false

  func run() async throws {
    let rates = try await StoreRates.measure(entryCount: entries, payloadByteCount: payload)
    let lines: [(String, Double)] = [
      ("verified", rates.verified), ("put", rates.put), ("putVerified", rates.putVerified), ("putRaw", rates.putRaw),
      ("scanned", rates.scanned), ("scannedRaw", rates.scannedRaw), ("fetched", rates.fetched),
    ]
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      let values = Dictionary(uniqueKeysWithValues: lines.map { ($0.0, $0.1.rounded()) })
      print(String(decoding: try encoder.encode(values), as: UTF8.self))
    } else {
      for (name, rate) in lines {
        print(name.padding(toLength: 14, withPad: " ", startingAt: 0), Int(rate), "a second")
      }
      print("put             \(percent(rates.putVerified, of: rates.putRaw)) of SQLite's own, once verified")
      print("scan            \(percent(rates.scanned, of: rates.scannedRaw)) of SQLite's own")
    }
  }

  private func percent(_ rate: Double, of other: Double) -> String { "\(Int(100 * rate / other)) %" }
}
