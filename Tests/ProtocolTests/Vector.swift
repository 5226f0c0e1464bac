import FieldWire

/// A named value of `Docs/PROTOCOL.md`: bytes in hexadecimal, or text without white space.
struct Vector: Equatable {
  let name: String
  let value: String

  init(_ name: String, _ bytes: [UInt8]) { self.init(name, text: Hexadecimal.encode(bytes)) }

  init(_ name: String, text: String) {
    self.name = name
    value = text
  }

  private static let lineCharacterCount = 96

  /// As it stands in the document: `name = value`, the rest of a long value on indented lines.
  var lines: String {
    let characters = Array(value)
    let pieces = stride(from: 0, to: characters.count, by: Self.lineCharacterCount)
      .map { String(characters[$0..<min($0 + Self.lineCharacterCount, characters.count)]) }
    return pieces.count < 2 ? "\(name) = \(value)" : "\(name) =" + pieces.map { "\n  " + $0 }.joined()
  }
}
