public import FieldWire
public import SetReconciliation

/// Asks for the order of arrival: one page of it, or all pages to the end.
///
/// Body: flags (u8), limit (varint, 1 to 1,000), then what the flags say, in this order:
///
/// | bit | field |
/// | --- | --- |
/// | 0 | cursor: epoch (u64), arrival (varint) |
/// | 1 | database (16) |
/// | 2 | document (16), only with a database |
/// | 3 | kinds (u8, bit k for kind k, not zero) |
/// | 4 | author (32) |
/// | 5 | before (varint) |
/// | 6 | Bloom summary of what the asker has: attempt (u32), then as ``SummaryReply``; the key is the asker's for that attempt |
/// | 7 | no field: all pages to the end, of at most `limit` listings each |
public struct ScanRequest: MessageBody {
  public static let type = MessageType.scan

  public var cursor: StoreCursor?
  public var limit: Int
  public var isToEnd: Bool
  public var filter: EntryFilter
  /// Which of the asker's summary keys the filter's summary is under; with a summary only.
  public var summaryAttempt: UInt32
  /// The summary before its key is known; see ``resolved(key:)``.
  private var summary: SummaryReply?

  public init(cursor: StoreCursor?, limit: Int, isToEnd: Bool = false, filter: EntryFilter, summaryAttempt: UInt32 = 0)
  {
    self.cursor = cursor
    self.limit = limit
    self.isToEnd = isToEnd
    self.filter = filter
    self.summaryAttempt = summaryAttempt
    summary = filter.absentFrom.map(SummaryReply.init(summary:))
  }

  /// The filter with its summary under `key`, which both sides derive.
  public func resolvedFilter(key: (UInt32) -> SummaryKey) throws(WireError) -> EntryFilter {
    var filter = filter
    if let summary { filter.absentFrom = try summary.summary(key: key(summaryAttempt)) }
    return filter
  }

  public func encode(into writer: inout WireWriter) {
    var flags: UInt8 = 0
    if cursor != nil { flags |= 1 << 0 }
    switch filter.scope {
    case .workspace: break
    case .database: flags |= 1 << 1
    case .document: flags |= 1 << 1 | 1 << 2
    }
    if filter.kinds != nil { flags |= 1 << 3 }
    if filter.author != nil { flags |= 1 << 4 }
    if filter.before != nil { flags |= 1 << 5 }
    if summary != nil { flags |= 1 << 6 }
    if isToEnd { flags |= 1 << 7 }
    writer.u8(flags)
    writer.count(limit)
    if let cursor {
      writer.u64(cursor.epoch.rawValue)
      writer.varint(cursor.arrival)
    }
    switch filter.scope {
    case .workspace: break
    case .database(let database): writer.identifier(database)
    case .document(let database, let document):
      writer.identifier(database)
      writer.identifier(document)
    }
    if let kinds = filter.kinds { writer.u8(kinds.reduce(0) { $0 | 1 << $1.rawValue }) }
    if let author = filter.author { writer.identifier(author) }
    if let before = filter.before { writer.varint(before) }
    if let summary {
      writer.u32(summaryAttempt)
      summary.encode(into: &writer)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let flags = try reader.u8()
    guard flags & (1 << 2) == 0 || flags & (1 << 1) != 0 else {
      throw WireError(.invalidValue, "a document without its database")
    }
    limit = try reader.count(limit: StoreLimits.idCount)
    isToEnd = flags & (1 << 7) != 0
    guard limit > 0 else { throw WireError(.invalidValue, "a page of nothing") }
    if flags & 1 != 0 {
      cursor = StoreCursor(epoch: StoreEpoch(rawValue: try reader.u64()), arrival: try reader.entryCount())
    }
    filter = EntryFilter()
    if flags & (1 << 1) != 0 {
      let database: DatabaseID = try reader.identifier()
      filter.scope = flags & (1 << 2) != 0 ? .document(database, try reader.identifier()) : .database(database)
    }
    if flags & (1 << 3) != 0 {
      let bits = try reader.u8()
      let kinds = EntryKind.allCases.filter { bits & 1 << $0.rawValue != 0 }
      guard !kinds.isEmpty, kinds.reduce(0, { $0 | 1 << $1.rawValue }) == bits else {
        throw WireError(.invalidValue, "unknown kinds")
      }
      filter.kinds = Set(kinds)
    }
    if flags & (1 << 4) != 0 { filter.author = try reader.identifier() }
    if flags & (1 << 5) != 0 { filter.before = try reader.entryCount() }
    summaryAttempt = 0
    if flags & (1 << 6) != 0 {
      summaryAttempt = try reader.u32()
      summary = try SummaryReply(from: &reader)
    }
  }
}
