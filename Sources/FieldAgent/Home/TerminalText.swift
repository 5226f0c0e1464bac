extension Unicode.Scalar {
  /// Whether a terminal might act on it, or show the text around it in another order, or as another line.
  public var isUnsafeInTerminal: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: false
    }
  }
}

/// Text that somebody else chose, made safe to show.
public enum TerminalText {
  /// Control and format characters, the bidirectional overrides among them, become `\u{hex}`, and a backslash two.
  public static func escape(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.isUnsafeInTerminal || $0 == "\\" }) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      if scalar == "\\" {
        escaped += "\\\\"
      } else if scalar.isUnsafeInTerminal {
        escaped += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Bytes that should have been UTF-8, such as a file's name: what is not comes out as `\xHH`.
  public static func escape(bytes: some Sequence<UInt8>) -> String {
    var escaped = ""
    var decoder = UTF8()
    let bytes = Array(bytes)
    var iterator = bytes.makeIterator()
    var consumed = 0
    while consumed < bytes.count {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar):
        escaped += escape(String(scalar))
        consumed += String(scalar).utf8.count
      case .emptyInput: consumed = bytes.count
      case .error:
        escaped += "\\x" + String(bytes[consumed], radix: 16)
        consumed += 1
        decoder = UTF8()
        iterator = Array(bytes[consumed...]).makeIterator()
      }
    }
    return escaped
  }
}
