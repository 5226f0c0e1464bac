import Foundation

/// One line of the committed bounds of reconciliation. Bytes and messages are the same on every machine and hardly
/// depend on the number of entries, so small sets and a debug build tell as much as large ones.
struct ReconcileFloor: Decodable {
  var entries: Int
  var differences: Int
  var link: ReconcileCase.Link
  /// As in ``ReconcileCase``.
  var since: Int?
  var expected: Int?
  var split: ReconcileCase.Split?
  var seeds: Int
  /// The most that the mean over the seeds may be.
  var bytes: Double
  var messages: Double
  /// The most that one run may take.
  var messagesMost: Int

  enum CodingKeys: String, CodingKey {
    case entries, differences, link, since, expected, split, seeds, bytes, messages
    case messagesMost = "messages_max"
  }

  static func read(_ path: String) throws -> [ReconcileFloor] {
    try JSONDecoder().decode([ReconcileFloor].self, from: Data(contentsOf: URL(filePath: path)))
  }

  var setup: ReconcileCase {
    ReconcileCase(
      entries: entries, differences: differences, split: split ?? .even, link: link, since: since, expected: expected)
  }

  func isHeld(by summary: ReconcileSummary) -> Bool {
    summary.bytes <= bytes && summary.messages <= messages && summary.messagesMost <= messagesMost
  }
}
