public import FieldWire

/// One page. Body: next cursor's epoch (u64) and arrival (varint), more (u8, 0 or 1), count (varint, at most 1,000),
/// then for each listing: id (32), kind (u8), arrival less the one before (varint, not 0; the first less 0), bytes
/// (varint).
public struct ScanReply: MessageBody, Hashable {
  public static let type = MessageType.page
  private static let listingByteCount = EntryID.byteCount + 3

  public var page: ScanPage

  public init(page: ScanPage) {
    self.page = page
  }

  public func encode(into writer: inout WireWriter) {
    writer.u64(page.next.epoch.rawValue)
    writer.varint(page.next.arrival)
    writer.u8(page.hasMore ? 1 : 0)
    writer.count(page.listings.count)
    var last: UInt64 = 0
    for listing in page.listings {
      writer.identifier(listing.id)
      writer.u8(listing.kind.rawValue)
      writer.varint(listing.arrival - last)
      writer.count(listing.byteCount)
      last = listing.arrival
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let next = StoreCursor(epoch: StoreEpoch(rawValue: try reader.u64()), arrival: try reader.entryCount())
    let more = try reader.u8()
    guard more <= 1 else { throw WireError(.invalidValue, "neither yes nor no") }
    let count = try reader.count(limit: StoreLimits.idCount, itemByteCount: Self.listingByteCount)
    var listings: [EntryListing] = []
    listings.reserveCapacity(count)
    var last: UInt64 = 0
    for _ in 0..<count {
      let id: EntryID = try reader.identifier()
      guard let kind = EntryKind(rawValue: try reader.u8()) else {
        throw WireError(.unknownMandatory, "an unknown entry kind")
      }
      let step = try reader.entryCount()
      guard step > 0, last + step <= next.arrival else {
        throw WireError(.invalidValue, "arrivals out of order")
      }
      last += step
      listings.append(
        EntryListing(
          id: id, kind: kind, byteCount: try reader.count(limit: EntryLimits.entryByteCount), arrival: last))
    }
    page = ScanPage(listings: listings, next: next, hasMore: more == 1)
  }
}
