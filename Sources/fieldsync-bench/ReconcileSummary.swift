import FieldCore
import Foundation

/// Several runs of ``ReconcileBenchmark`` in one line: means, and the slower side's CPU.
struct ReconcileSummary: Encodable, CustomStringConvertible {
  let entries: Int
  let differences: Int
  let order: ReconcileCase.Order
  let link: ReconcileCase.Link
  let seeds: Int
  let rung: String
  /// Both ways.
  let bytes: Double
  let bytes95: Int
  /// One way each.
  let messages: Double
  let messagesMost: Int
  /// Of the side that computes more.
  let cpuSeconds: Double
  /// Of both sides together.
  let cpuSecondsBoth: Double
  /// Of both sides together, beyond the sets.
  let memoryBytes: Int
  let repetitions: Int

  enum CodingKeys: String, CodingKey {
    case entries, differences, order, link, seeds, rung, bytes, messages, repetitions
    case bytes95 = "bytes_p95"
    case messagesMost = "messages_max"
    case cpuSeconds = "cpu_seconds"
    case cpuSecondsBoth = "cpu_seconds_both"
    case memoryBytes = "memory_bytes"
  }

  init(_ runs: [ReconcileRun], of setup: ReconcileCase) {
    let count = Double(max(runs.count, 1))
    func mean(_ value: (ReconcileRun) -> Double) -> Double { runs.reduce(0) { $0 + value($1) } / count }
    entries = setup.entries
    differences = setup.differences
    order = setup.order
    link = setup.link
    seeds = runs.count
    let rungs = Dictionary(grouping: runs, by: \.rung).max { $0.value.count < $1.value.count }
    rung = rungs?.key.rawValue ?? ""
    bytes = mean { Double($0.byteCount) }
    let sorted = runs.map(\.byteCount).sorted()
    bytes95 = sorted.isEmpty ? 0 : sorted[(sorted.count - 1) * 95 / 100]
    messages = mean { Double($0.messageCount) }
    messagesMost = runs.map(\.messageCount).max() ?? 0
    cpuSeconds = max(mean { $0.seconds[0] }, mean { $0.seconds[1] })
    cpuSecondsBoth = mean { $0.seconds[0] + $0.seconds[1] }
    memoryBytes = runs.map(\.memoryByteCount).max() ?? 0
    repetitions = runs.reduce(0) { $0 + $1.repetitions }
  }

  var description: String {
    let cpu = String(format: "%.4f", cpuSeconds)
    let sent = String(format: "%.0f bytes (p95 %d), %.1f messages (most %d)", bytes, bytes95, messages, messagesMost)
    return "\(entries) entries, \(differences) differ, \(order.rawValue), \(link.rawValue): \(rung), \(sent), "
      + "\(cpu) s of CPU, \(memoryBytes >> 10) KiB, \(repetitions) repeated"
  }
}
