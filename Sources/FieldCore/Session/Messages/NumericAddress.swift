/// An IP address as its bytes, read from digits alone and from no abbreviation but the `::` of RFC 4291 section 2.2:
/// the same address has many spellings, and what counts is where it leads.
struct NumericAddress {
  /// 4 or 16, most significant first.
  let bytes: [UInt8]

  /// - Parameter location: An IPv4 address, or an IPv6 address in brackets; then `:` and a port, 1 to 65,535. Letters
  ///   are small.
  /// - Returns: `nil` for anything else.
  init?(location: String) {
    let text = Array(location.utf8)
    guard let colon = text.lastIndex(of: UInt8(ascii: ":")),
      let port = Self.number(text[(colon + 1)...], radix: 10, digitLimit: 5), (1...0xffff).contains(port)
    else { return nil }
    let host = text[..<colon]
    let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") && host.count > 2
    guard let bytes = isBracketed ? Self.version6(host.dropFirst().dropLast()) : Self.version4(host) else { return nil }
    self.bytes = bytes
  }

  /// Loopback, unspecified, or an IPv4 address dressed as one of IPv6, which nobody has to tell.
  var isOwnMachine: Bool {
    guard bytes.count == 16 else { return bytes[0] == 0 || bytes[0] == 127 }
    let isPlain = bytes[..<10].contains { $0 != 0 }
    return !isPlain && (bytes[10..<12] == [0, 0] || bytes[10..<12] == [0xff, 0xff])
  }

  private static func version4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      // To some readers a leading zero means octal.
      guard part.count == 1 || part.first != UInt8(ascii: "0"), let value = number(part, radix: 10, digitLimit: 3),
        let byte = UInt8(exactly: value)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func version6(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let colon = UInt8(ascii: ":")
    let gap = text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
    guard let gap else {
      let bytes = groups(text, mayEndInVersion4: true)
      return bytes?.count == 16 ? bytes : nil
    }
    guard let left = groups(text[..<gap], mayEndInVersion4: false),
      let right = groups(text[(gap + 2)...], mayEndInVersion4: true), left.count + right.count <= 14
    else { return nil }
    return left + Array(repeating: 0, count: 16 - left.count - right.count) + right
  }

  private static func groups(_ text: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var bytes: [UInt8] = []
    for (index, part) in parts.enumerated() {
      if mayEndInVersion4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
        guard let version4 = version4(part) else { return nil }
        bytes += version4
      } else {
        guard let value = number(part, radix: 16, digitLimit: 4) else { return nil }
        bytes += [UInt8(value >> 8), UInt8(value & 0xff)]
      }
    }
    return bytes
  }

  private static func number(_ text: ArraySlice<UInt8>, radix: Int, digitLimit: Int) -> Int? {
    guard (1...digitLimit).contains(text.count) else { return nil }
    var value = 0
    for byte in text {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value * radix + Int(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f") where radix == 16:
        value = value * radix + Int(byte - UInt8(ascii: "a")) + 10
      default: return nil
      }
    }
    return value
  }
}
