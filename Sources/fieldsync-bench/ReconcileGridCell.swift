import FieldCore
import Foundation

/// One cell of a ``ReconcileGrid``: the ladder, and each rung alone.
struct ReconcileGridCell: Encodable, CustomStringConvertible {
  let entries: Int
  let differences: Int
  let split: ReconcileCase.Split
  let isExpectedKnown: Bool
  private var runs: [ReconcileRun] = []
  private var alone: [Rung: [ReconcileRun]] = [:]
  /// Those that do not come to an end, or cannot be the cheapest.
  private var excluded: Set<Rung> = []

  static let ratioLimit = 1.1
  static let messageLimit = 13
  /// Of the first message and an answer that needs no rung.
  static let noRungByteLimit = 280.0
  /// At a first meeting the ladder has sent 96 bytes of syndromes before anything is known: half of them may be lost.
  static let firstMeetingBytes = 48.0

  init(_ setup: ReconcileCase) {
    entries = setup.entries
    differences = setup.differences
    split = setup.split
    isExpectedKnown = setup.expected == nil
  }

  mutating func add(_ run: ReconcileRun) { runs.append(run) }

  mutating func add(_ run: ReconcileRun?, of rung: Rung) {
    if let run { alone[rung, default: []].append(run) } else { excluded.insert(rung) }
  }

  /// Whether a rung could take fewer bytes than the ladder takes, by what each difference, or each entry, costs it at
  /// least.
  func mayWin(_ rung: Rung) -> Bool {
    guard !excluded.contains(rung) else { return false }
    let least: Int =
      switch rung {
      case .summarySketch: differences <= 128 ? 4 * differences : .max
      case .partitionedSketch: 4 * differences
      case .ratelessCells: 12 * differences
      default: (split == .even ? entries : entries - differences) * 3 / 4
      }
    return Double(least) <= bytes
  }

  var bytes: Double { Self.mean(runs) }
  var messagesMost: Int { runs.map(\.messageCount).max() ?? 0 }

  /// The mean bytes of each rung alone that may be the cheapest.
  private var contenders: [(rung: Rung, bytes: Double, messagesLeast: Int)] {
    alone.filter { !excluded.contains($0.key) && $0.value.count == runs.count }
      .map { (rung: $0.key, bytes: Self.mean($0.value), messagesLeast: $0.value.map(\.messageCount).min() ?? 0) }
      .sorted { $0.bytes < $1.bytes }
  }

  /// Equal roots, or a side with nothing: the answer to the first message is the end, and no rung was at work.
  private var isWithoutRung: Bool { differences == 0 || (split != .even && differences == entries) }

  /// Against the cheapest that can do it in as many messages as the ladder takes.
  private var best: (rung: Rung, bytes: Double)? {
    contenders.first { $0.messagesLeast <= messagesMost }.map { ($0.rung, $0.bytes) }
  }

  var ratio: Double? { isWithoutRung ? nil : best.map { bytes / $0.bytes } }

  /// Against the cheapest in whatever time.
  private var ratioOfAll: Double? { contenders.first.map { bytes / $0.bytes } }

  var isHeld: Bool {
    guard messagesMost <= Self.messageLimit else { return false }
    guard !isWithoutRung else { return bytes <= Self.noRungByteLimit }
    guard let best else { return !runs.isEmpty }
    return bytes <= best.bytes * Self.ratioLimit
      || (!isExpectedKnown && bytes <= best.bytes + Self.firstMeetingBytes)
  }

  private static func mean(_ runs: [ReconcileRun]) -> Double {
    runs.isEmpty ? 0 : Double(runs.reduce(0) { $0 + $1.byteCount }) / Double(runs.count)
  }

  enum CodingKeys: String, CodingKey {
    case entries, differences, split, seeds, rung, bytes, messages, alone, ratio, held
    case expected = "expected_known"
    case messagesMost = "messages_max"
    case ratioOfAll = "ratio_any_messages"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(entries, forKey: .entries)
    try container.encode(differences, forKey: .differences)
    try container.encode(split, forKey: .split)
    try container.encode(isExpectedKnown, forKey: .expected)
    try container.encode(runs.count, forKey: .seeds)
    try container.encode(commonRung, forKey: .rung)
    try container.encode(bytes, forKey: .bytes)
    try container.encode(messages, forKey: .messages)
    try container.encode(messagesMost, forKey: .messagesMost)
    let alone = Dictionary(uniqueKeysWithValues: contenders.map { ($0.rung.rawValue, $0.bytes) })
    try container.encode(alone, forKey: .alone)
    try container.encodeIfPresent(ratio, forKey: .ratio)
    try container.encodeIfPresent(ratioOfAll, forKey: .ratioOfAll)
    try container.encode(isHeld, forKey: .held)
  }

  private var messages: Double { Double(runs.reduce(0) { $0 + $1.messageCount }) / Double(max(runs.count, 1)) }

  private var commonRung: String {
    Dictionary(grouping: runs, by: \.rung).max { $0.value.count < $1.value.count }?.key.rawValue ?? ""
  }

  var description: String {
    let head = "\(entries) entries, \(differences) differ (\(split.rawValue)\(isExpectedKnown ? ", expected" : ""))"
    let own = String(format: "%@ %.0f bytes, %.1f messages (most %d)", commonRung, bytes, messages, messagesMost)
    let others = contenders.map { String(format: "%@ %.0f in %d", $0.rung.rawValue, $0.bytes, $0.messagesLeast) }
    let verdict = ratio.map { String(format: "%.3f", $0) } ?? "no rung at work"
    return "\(isHeld ? "held" : "WORSE") \(verdict): \(head): \(own); alone: \(others.joined(separator: ", "))"
  }
}
