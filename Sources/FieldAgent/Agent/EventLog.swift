import Foundation

/// The newest events of a home's agent, in its `agent-events`: a line of JSON each. The agent appends, and now and then
/// drops the oldest; everybody may read.
public struct EventLog {
  private static let byteLimit = 4 << 20

  private let path: String
  private var lastID: UInt64
  private var lineCount: Int
  private var pending: [AgentEvent] = []

  /// Goes on with the ids of the log that is there.
  init(path: String) {
    self.path = path
    let events = Self.events(in: path)
    lastID = events.last?.id ?? 0
    lineCount = events.count
  }

  mutating func append(_ event: AgentEvent) {
    lastID += 1
    var event = event
    event.id = lastID
    pending.append(event)
  }

  /// Writes what was appended. What cannot be written is dropped: a full disk must not stop the sync, and the gap
  /// shows.
  mutating func flush() throws {
    guard !pending.isEmpty else { return }
    let new = pending
    pending = []
    if lineCount + new.count > 2 * AgentLimits.eventCount || !FileManager.default.fileExists(atPath: path) {
      let kept = (Self.events(in: path) + new).suffix(AgentLimits.eventCount)
      try Self.encoded(Array(kept)).write(to: URL(filePath: path), options: .atomic)
      lineCount = kept.count
    } else {
      let file = try FileHandle(forWritingTo: URL(filePath: path))
      defer { try? file.close() }
      try file.seekToEnd()
      try file.write(contentsOf: Self.encoded(new))
      lineCount += new.count
    }
  }

  /// The events that are still there, oldest first; lines that are none are left out.
  public static func events(in path: String) -> [AgentEvent] {
    guard let data = FileManager.default.contents(atPath: path), data.count <= byteLimit else { return [] }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return data.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(AgentEvent.self, from: $0) }
  }

  private static func encoded(_ events: [AgentEvent]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var data = Data()
    for event in events { data += try encoder.encode(event) + [UInt8(ascii: "\n")] }
    return data
  }
}

extension Home {
  /// Where a running agent writes its ``EventLog``.
  public var eventsPath: String { directory + "/agent-events" }
}
