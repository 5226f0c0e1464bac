/// What a scan says of an entry: enough to decide whether and when to fetch it.
public struct EntryListing: Hashable, Sendable {
  public var id: EntryID
  public var kind: EntryKind
  /// Bytes of the entry as encoded: header, signature and payload.
  public var byteCount: Int
  /// The entry's arrival in the store that was asked.
  public var arrival: UInt64

  public init(id: EntryID, kind: EntryKind, byteCount: Int, arrival: UInt64) {
    self.id = id
    self.kind = kind
    self.byteCount = byteCount
    self.arrival = arrival
  }
}
