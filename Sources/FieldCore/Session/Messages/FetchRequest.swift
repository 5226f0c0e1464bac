public import FieldWire

/// Asks for entries, at most 1,000. Body: the largest payload that is to come with its entry, in bytes (varint, at most
/// 1,048,576); count (varint); ids (32 each).
public struct FetchRequest: MessageBody, Hashable {
  public static let type = MessageType.fetch

  public var ids: [EntryID]
  /// Entries with larger payloads come without them.
  public var inlineByteCount: Int

  public init(ids: [EntryID], inlineByteCount: Int = EntryLimits.payloadByteCount) {
    self.ids = ids
    self.inlineByteCount = inlineByteCount
  }

  public func encode(into writer: inout WireWriter) {
    writer.count(inlineByteCount)
    writer.count(ids.count)
    for id in ids { writer.identifier(id) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    inlineByteCount = try reader.count(limit: EntryLimits.payloadByteCount)
    let count = try reader.count(limit: StoreLimits.idCount, itemByteCount: EntryID.byteCount)
    ids = []
    ids.reserveCapacity(count)
    for _ in 0..<count { ids.append(try reader.identifier()) }
  }
}
