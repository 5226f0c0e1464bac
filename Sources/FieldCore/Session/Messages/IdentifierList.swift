public import FieldWire

/// A message that is a list of entry ids. Body: count (varint), then the ids.
public protocol IdentifierListBody: MessageBody {
  static var leastCount: Int { get }
  static var countLimit: Int { get }
  var ids: [EntryID] { get }
  init(ids: [EntryID])
}

extension IdentifierListBody {
  public static var leastCount: Int { 0 }
  public static var countLimit: Int { StoreLimits.idCount }

  public func encode(into writer: inout WireWriter) {
    writer.count(ids.count)
    for id in ids { writer.identifier(id) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.count(limit: Self.countLimit, itemByteCount: EntryID.byteCount)
    guard count >= Self.leastCount else { throw WireError(.invalidValue, "a list of nothing") }
    var ids: [EntryID] = []
    ids.reserveCapacity(count)
    for _ in 0..<count { ids.append(try reader.identifier()) }
    self.init(ids: ids)
  }
}

/// Asks for headers, at most 1,000.
public struct HeadersRequest: IdentifierListBody {
  public static let type = MessageType.headers
  public var ids: [EntryID]
  public init(ids: [EntryID]) { self.ids = ids }
}

/// Asks which ids are there, at most 1,000.
public struct ContainedRequest: IdentifierListBody {
  public static let type = MessageType.contained
  public var ids: [EntryID]
  public init(ids: [EntryID]) { self.ids = ids }
}

/// Ids that answer a question; a long answer is several of these, and one without any none. So nobody can go on for
/// ever without saying anything.
public struct IdentifiersReply: IdentifierListBody {
  public static let type = MessageType.identifiers
  public static let leastCount = 1
  public var ids: [EntryID]
  public init(ids: [EntryID]) { self.ids = ids }
}
