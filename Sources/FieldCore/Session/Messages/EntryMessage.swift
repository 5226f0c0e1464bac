public import FieldWire

/// One entry, as ``Entry`` is encoded.
public struct EntryMessage: MessageBody, Hashable {
  public static let type = MessageType.entry

  public var entry: Entry

  public init(entry: Entry) {
    self.entry = entry
  }

  public func encode(into writer: inout WireWriter) { entry.encode(into: &writer) }

  public init(from reader: inout WireReader) throws(WireError) {
    entry = try Entry(from: &reader)
  }
}

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
