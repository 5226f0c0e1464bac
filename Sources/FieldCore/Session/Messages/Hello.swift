import FieldWire

/// Each side's first message, the first inside the encryption: what it speaks, where it stands, and its first step of
/// the reconciliation. The initiator's opens a stream; the responder answers on it.
///
/// Body: version (varint), capabilities (varint, a set of bits), then as ``ReconcileGreeting``.
struct Hello: MessageBody, Hashable {
  static let type = MessageType.hello
  static let protocolVersion: UInt64 = 1

  var version: UInt64
  var capabilities: Capabilities
  var greeting: ReconcileGreeting

  init(version: UInt64 = protocolVersion, capabilities: Capabilities, greeting: ReconcileGreeting) {
    self.version = version
    self.capabilities = capabilities
    self.greeting = greeting
  }

  func encode(into writer: inout WireWriter) {
    writer.varint(version)
    writer.varint(capabilities.rawValue)
    greeting.encode(into: &writer)
  }

  init(from reader: inout WireReader) throws(WireError) {
    version = try reader.varint()
    capabilities = Capabilities(rawValue: try reader.varint())
    greeting = try ReconcileGreeting(from: &reader)
  }
}

/// What a side can do beyond what every peer can (heads, pages, entries). Unknown bits are ignored. They travel inside
/// the encrypted session, so nobody on the way can take one out.
public struct Capabilities: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Makes and reads Bloom summaries.
  public static let bloomSummary = Capabilities(rawValue: 1 << 0)
  /// Climbs the ladder: every move of a ``Reconciler``.
  public static let ladder = Capabilities(rawValue: 1 << 1)

  public static let all: Capabilities = [.bloomSummary, .ladder]
}
