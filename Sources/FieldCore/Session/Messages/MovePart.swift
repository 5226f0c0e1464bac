import FieldWire

/// A piece of a move that is longer than ``LadderLimits/partByteCount``: of kind and body together, in order, all but
/// the end.
///
/// Body: bytes.
struct MovePart: MessageBody, Hashable {
  static let type = MessageType.movePart

  var bytes: [UInt8]

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  func encode(into writer: inout WireWriter) { writer.lengthPrefixed(bytes) }

  init(from reader: inout WireReader) throws(WireError) {
    bytes = try reader.lengthPrefixed(limit: LadderLimits.partByteCount)
  }
}
