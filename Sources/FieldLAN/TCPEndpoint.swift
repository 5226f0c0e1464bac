public import FieldCore

/// A host and a port: `HOST:PORT`, with an IPv6 address in brackets, `[fe80::1%eth0]:4000`.
public struct TCPEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// A name, or an address without brackets.
  public var host: String
  public var port: UInt16

  private static let hostByteLimit = 253  // RFC 1035, 2.3.4, less the root's length byte and the trailing dot

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// `nil` for anything but the form above.
  public init?(_ text: String) {
    let bytes = text.utf8
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let digits = bytes[bytes.index(after: colon)...]
    guard (1...5).contains(digits.count), digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = UInt16(text[digits.startIndex...])
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
    if isBracketed { host = host.dropFirst().dropLast() }
    guard (1...Self.hostByteLimit).contains(host.utf8.count), host.utf8.contains(UInt8(ascii: ":")) == isBracketed,
      host.utf8.allSatisfy({ Self.isHostByte($0, isBracketed: isBracketed) })
    else { return nil }
    self.init(host: String(host), port: port)
  }

  public var description: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Whether nobody else reaches it.
  var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") || host == "localhost" }

  var isEveryAddress: Bool { host == "::" || host == "0.0.0.0" }

  public var peerAddress: PeerAddress { PeerAddress(kind: .lan, location: description) }

  private static func isHostByte(_ byte: UInt8, isBracketed: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    case UInt8(ascii: ":"), UInt8(ascii: "%"):
      isBracketed
    default:
      false
    }
  }
}
