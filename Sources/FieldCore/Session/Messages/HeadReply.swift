public import FieldWire

/// A store's head. Body: epoch (u64), arrival (varint), entry count (varint), digest (32).
public struct HeadReply: MessageBody, Hashable {
  public static let type = MessageType.headReply
  static let digestByteCount = 32

  public var head: StoreHead

  public init(head: StoreHead) {
    self.head = head
  }

  public func encode(into writer: inout WireWriter) {
    writer.u64(head.epoch.rawValue)
    writer.varint(head.arrival)
    writer.varint(head.entryCount)
    writer.raw(head.digest)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    head = StoreHead(
      epoch: StoreEpoch(rawValue: try reader.u64()), arrival: try reader.entryCount(),
      entryCount: try reader.entryCount(), digest: try reader.raw(Self.digestByteCount))
  }
}
