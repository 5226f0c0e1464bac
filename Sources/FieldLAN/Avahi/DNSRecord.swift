/// The data of DNS records, as in RFC 1035 section 3.3 and RFC 2782, with names that are not compressed.
enum DNSRecord {
  static let classInternet: UInt16 = 1
  static let pointer: UInt16 = 12
  static let text: UInt16 = 16
  static let service: UInt16 = 33

  private static let labelByteLimit = 63
  private static let nameByteLimit = 255

  /// The labels of a name in text form, in which `\.` and `\\` stand for themselves and `\DDD` for a byte (RFC 1035,
  /// section 5.1); `nil` for what is no name.
  static func labels(of name: String) -> [[UInt8]]? {
    var labels: [[UInt8]] = [[]]
    var rest = Array(name.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "."):
        if rest.isEmpty { break }
        labels.append([])
      case UInt8(ascii: "\\"):
        let digits = rest.prefix(3)
        if digits.count == 3, let value = UInt8(String(decoding: digits, as: UTF8.self)) {
          labels[labels.count - 1].append(value)
          rest = rest.dropFirst(3)
        } else if let next = rest.popFirst() {
          labels[labels.count - 1].append(next)
        } else {
          return nil
        }
      default: labels[labels.count - 1].append(byte)
      }
    }
    let byteCount = labels.reduce(1) { $0 + $1.count + 1 }
    guard byteCount <= nameByteLimit, labels.allSatisfy({ (1...labelByteLimit).contains($0.count) }) else { return nil }
    return labels
  }

  static func name(_ labels: [[UInt8]]) -> [UInt8] {
    labels.flatMap { [UInt8(clamping: $0.count)] + $0 } + [0]
  }

  static func serviceData(port: UInt16, host labels: [[UInt8]]) -> [UInt8] {
    [0, 0, 0, 0, UInt8(port >> 8), UInt8(port & 0xFF)] + name(labels)
  }

  /// `key=value` strings of at most 255 bytes each.
  static func textData(_ strings: [String]) -> [UInt8] {
    strings.flatMap { [UInt8(clamping: $0.utf8.count)] + $0.utf8.prefix(255) }
  }
}
