public import FieldWire

/// Asks for payloads, each from where the asker's copy ends. Body: count (varint, at most 64), and for each: id of an
/// entry (32), offset (varint), and unless that is 0 the first 8 bytes of the hash of what is before it.
public struct ContentRequest: MessageBody, Hashable {
  public static let type = MessageType.content
  public static let itemLimit = 64

  public var items: [Item]

  public init(items: [Item]) {
    self.items = items
  }

  public struct Item: Hashable, Sendable {
    public static let prefixHashByteCount = 8

    /// The entry whose payload is wanted.
    public var id: EntryID
    /// Bytes of it that the asker has.
    public var offset: Int
    /// ``prefixHash(of:)`` of those bytes; empty for none.
    public var prefixHash: [UInt8]

    /// - Parameter prefix: What the asker has of the payload.
    public init(id: EntryID, having prefix: [UInt8] = []) {
      self.id = id
      offset = prefix.count
      prefixHash = prefix.isEmpty ? [] : Self.prefixHash(of: prefix[...])
    }

    fileprivate init(id: EntryID, offset: Int, prefixHash: [UInt8]) {
      self.id = id
      self.offset = offset
      self.prefixHash = prefixHash
    }

    static func prefixHash(of prefix: ArraySlice<UInt8>) -> [UInt8] {
      Array(ContentHash(hash: Array(prefix)).bytes.prefix(prefixHashByteCount))
    }

    /// Where to go on in `payload`: behind what the asker has, if that is how the payload begins.
    public func start(in payload: [UInt8]) -> Int {
      guard offset > 0, offset < payload.count, Self.prefixHash(of: payload[..<offset]) == prefixHash else { return 0 }
      return offset
    }
  }

  public func encode(into writer: inout WireWriter) {
    writer.count(items.count)
    for item in items {
      writer.identifier(item.id)
      writer.count(item.offset)
      writer.raw(item.prefixHash)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.count(limit: Self.itemLimit, itemByteCount: EntryID.byteCount + 1)
    items = []
    items.reserveCapacity(count)
    for _ in 0..<count {
      let id: EntryID = try reader.identifier()
      let offset = try reader.count(limit: EntryLimits.payloadByteCount)
      items.append(
        Item(id: id, offset: offset, prefixHash: offset == 0 ? [] : try reader.raw(Item.prefixHashByteCount)))
    }
  }
}
