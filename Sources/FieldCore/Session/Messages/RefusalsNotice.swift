public import FieldWire

/// One way, to an authorized peer: what of the entries that it brought in this session was not taken, and why. It
/// replaces what was told before. Who brought them stops bringing what would be refused as well.
///
/// Body: count (varint, at most ``itemLimit``), for each: code (u8, as in ``OutcomesReply``), entries (varint), author
/// (32): zero but for `authorQuota`.
public struct RefusalsNotice: MessageBody, Hashable {
  public static let type = MessageType.refusals
  public static let itemLimit = 64

  public struct Item: Hashable, Sendable {
    public var code: EntryError.Code
    public var entryCount: UInt64
    /// Whose entries there is no room for.
    public var author: DeviceKey?

    public init(code: EntryError.Code, entryCount: UInt64, author: DeviceKey? = nil) {
      self.code = code
      self.entryCount = entryCount
      self.author = author
    }
  }

  public var items: [Item]

  /// - Parameter items: Further ones than ``itemLimit`` are left out.
  public init(items: [Item]) {
    self.items = Array(items.prefix(Self.itemLimit))
  }

  public func encode(into writer: inout WireWriter) {
    writer.varint(UInt64(items.count))
    for item in items {
      writer.u8(OutcomesReply.byte(of: item.code))
      writer.varint(item.entryCount)
      writer.raw((item.author ?? .zero).bytes)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.count(limit: Self.itemLimit, itemByteCount: 2 + DeviceKey.byteCount)
    items = []
    for _ in 0..<count {
      guard let code = OutcomesReply.code(of: try reader.u8()) else {
        throw WireError(.unknownMandatory, "an unknown refusal")
      }
      let entryCount = try reader.entryCount()
      let author = DeviceKey(try reader.raw(DeviceKey.byteCount))
      guard (author == .zero) == (code != .authorQuota) else {
        throw WireError(.invalidValue, "an author where none is meant, or none")
      }
      items.append(Item(code: code, entryCount: entryCount, author: code == .authorQuota ? author : nil))
    }
  }
}
