public import FieldWire

/// Asks for a walk along dependencies. Body: start (32), stop kind (u8, 0 for none), maximum depth (varint, at most
/// 100,000).
public struct DependenciesRequest: MessageBody, Hashable {
  public static let type = MessageType.dependencies

  public var start: EntryID
  public var stop: EntryKind?
  public var maximumDepth: Int

  public init(start: EntryID, stop: EntryKind?, maximumDepth: Int) {
    self.start = start
    self.stop = stop
    self.maximumDepth = maximumDepth
  }

  public func encode(into writer: inout WireWriter) {
    writer.identifier(start)
    writer.u8(stop?.rawValue ?? 0)
    writer.count(maximumDepth)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    start = try reader.identifier()
    let kind = try reader.u8()
    stop = EntryKind(rawValue: kind)
    guard kind == 0 || stop != nil else { throw WireError(.unknownMandatory, "an unknown entry kind") }
    maximumDepth = try reader.count(limit: StoreLimits.dependencyDepth)
  }
}
