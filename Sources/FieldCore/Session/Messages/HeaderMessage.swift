public import FieldWire

/// One header. Its id follows from it.
public struct HeaderMessage: MessageBody, Hashable {
  public static let type = MessageType.header

  public var header: EntryHeader

  public init(header: EntryHeader) {
    self.header = header
  }

  public func encode(into writer: inout WireWriter) { header.encode(into: &writer) }

  public init(from reader: inout WireReader) throws(WireError) {
    header = try EntryHeader(from: &reader)
  }
}
