public import FieldWire

/// Each side's first message, the first inside the encryption: what it speaks, and where it stands.
///
/// Body: version (varint), capabilities (varint, a set of bits), then as ``StateNotice``.
public struct Hello: MessageBody, Hashable {
  public static let type = MessageType.hello
  public static let protocolVersion: UInt64 = 1

  public var version: UInt64
  public var capabilities: Capabilities
  public var state: StateNotice

  public init(version: UInt64 = protocolVersion, capabilities: Capabilities, state: StateNotice) {
    self.version = version
    self.capabilities = capabilities
    self.state = state
  }

  public func encode(into writer: inout WireWriter) {
    writer.varint(version)
    writer.varint(capabilities.rawValue)
    state.encode(into: &writer)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    version = try reader.varint()
    capabilities = Capabilities(rawValue: try reader.varint())
    state = try StateNotice(from: &reader)
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

  public static let all: Capabilities = [.bloomSummary]
}
