import Foundation

/// `Docs/PROTOCOL.md`: its vectors stand in blocks that are fenced as `vectors`.
enum ProtocolDocument {
  static func vectors() throws -> [Vector] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Docs/PROTOCOL.md")
    return vectors(in: try String(contentsOf: file, encoding: .utf8))
  }

  static func vectors(in text: String) -> [Vector] {
    var vectors: [Vector] = []
    var isInside = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("```") {
        isInside = line == "```vectors"
      } else if isInside {
        let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        if !line.hasPrefix(" "), parts.count > 0 {
          vectors.append(Vector(parts[0], text: parts.count > 1 ? parts[1] : ""))
        } else if let last = vectors.popLast() {
          vectors.append(Vector(last.name, text: last.value + line.trimmingCharacters(in: .whitespaces)))
        }
      }
    }
    return vectors
  }
}
