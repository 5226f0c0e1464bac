public import FieldWire

/// The start of a payload that was asked for; `piece` messages follow until it is complete. Body: its place in the
/// request (varint, from 0), where it goes on (varint), bytes of the whole payload (varint).
public struct ContentStart: MessageBody, Hashable {
  public static let type = MessageType.contentStart

  public var index: Int
  public var offset: Int
  public var byteCount: Int

  public init(index: Int, offset: Int, byteCount: Int) {
    self.index = index
    self.offset = offset
    self.byteCount = byteCount
  }

  public func encode(into writer: inout WireWriter) {
    writer.count(index)
    writer.count(offset)
    writer.count(byteCount)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    index = try reader.count(limit: ContentRequest.itemLimit - 1)
    offset = try reader.count(limit: EntryLimits.payloadByteCount)
    byteCount = try reader.count(limit: EntryLimits.payloadByteCount)
    guard offset <= byteCount else { throw WireError(.invalidValue, "a start behind the end") }
  }
}

/// The next bytes of a payload. Body: bytes (1 to 4,096).
public struct ContentPiece: MessageBody, Hashable {
  public static let type = MessageType.piece
  /// What a cut in the middle of a message can cost.
  public static let byteLimit = 4096

  public var bytes: [UInt8]

  public init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  public func encode(into writer: inout WireWriter) { writer.lengthPrefixed(bytes) }

  public init(from reader: inout WireReader) throws(WireError) {
    bytes = try reader.lengthPrefixed(limit: Self.byteLimit)
    guard !bytes.isEmpty else { throw WireError(.invalidValue, "a piece of nothing") }
  }
}
