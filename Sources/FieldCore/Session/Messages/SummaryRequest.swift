public import FieldWire

/// Asks for a Bloom summary under the answerer's key for `attempt`.
///
/// Body: attempt (u32), bits per entry (u8, 1 to 40), scope (u8: 0 workspace, 1 database, 2 document), then database
/// (16) and document (16) as the scope has them.
public struct SummaryRequest: MessageBody, Hashable {
  public static let type = MessageType.bloomSummary

  public var attempt: UInt32
  public var bitsPerEntry: UInt8
  public var scope: EntryFilter.Scope

  public init(attempt: UInt32, bitsPerEntry: UInt8, scope: EntryFilter.Scope) {
    self.attempt = attempt
    self.bitsPerEntry = bitsPerEntry
    self.scope = scope
  }

  public func encode(into writer: inout WireWriter) {
    writer.u32(attempt)
    writer.u8(bitsPerEntry)
    switch scope {
    case .workspace:
      writer.u8(0)
    case .database(let database):
      writer.u8(1)
      writer.identifier(database)
    case .document(let database, let document):
      writer.u8(2)
      writer.identifier(database)
      writer.identifier(document)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    attempt = try reader.u32()
    bitsPerEntry = try reader.u8()
    guard (1...40).contains(bitsPerEntry) else { throw WireError(.invalidValue, "1 to 40 bits an entry") }
    switch try reader.u8() {
    case 0: scope = .workspace
    case 1: scope = .database(try reader.identifier())
    case 2: scope = .document(try reader.identifier(), try reader.identifier())
    default: throw WireError(.unknownMandatory, "an unknown scope")
    }
  }
}
