import FieldWire

/// What a central writes to CTRL.
///
/// ```
/// offset  width  field
/// 0       1      type: 1 HELLO, 2 BYE
/// 1       1      protocol version, 1
/// 2       8      nonce of the INFO that was read
/// ```
///
/// Later versions of the protocol may append fields; a reader ignores what it does not know.
struct ControlMessage: Hashable, Sendable {
  static let byteCount = 10
  static let maximumByteCount = 32

  enum Kind: UInt8, Sendable {
    /// The slot is about to be opened: what was on it before is over.
    case hello = 1
    /// The slot is no longer used.
    case bye = 2
  }

  var kind: Kind
  var nonce: [UInt8]

  init(_ kind: Kind, nonce: [UInt8]) {
    self.kind = kind
    self.nonce = nonce
  }

  func encoded() -> [UInt8] {
    var writer = WireWriter(capacity: Self.byteCount)
    writer.u8(kind.rawValue)
    writer.u8(ServiceInformation.protocolVersion)
    writer.raw(nonce)
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(WireError) {
    guard bytes.count <= Self.maximumByteCount else {
      throw WireError(.limitExceeded, "CTRL with \(bytes.count) bytes")
    }
    var reader = WireReader(bytes)
    guard let kind = Kind(rawValue: try reader.u8()) else {
      throw WireError(.unknownMandatory, "an unknown CTRL message")
    }
    guard try reader.u8() == ServiceInformation.protocolVersion else {
      throw WireError(.unknownMandatory, "CTRL of another protocol version")
    }
    self.kind = kind
    nonce = Array(try reader.raw(ServiceInformation.nonceByteCount))
  }
}
