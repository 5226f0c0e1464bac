/// What a pull brings, in the order in which it comes.
public enum PulledItem: Sendable {
  /// An entry that the asker surely lacks.
  case entry(ReceivedEntry)
  /// Entries that the asker may lack; everything of the source up to the page's next cursor has come or is listed.
  case page(ScanPage)
}

/// What is asked for with a pull.
public struct PullQuery: Sendable {
  /// Exclusive; as for a scan.
  public var since: StoreCursor?
  public var filter: EntryFilter
  public var chains: KnownChains
  /// Larger payloads do not come with their entries.
  public var inlineByteCount: Int

  public init(since: StoreCursor?, filter: EntryFilter, chains: KnownChains, inlineByteCount: Int) {
    self.since = since
    self.filter = filter
    self.chains = chains
    self.inlineByteCount = inlineByteCount
  }
}

/// A place in the answer to a request for payloads.
public enum ContentEvent: Sendable {
  /// The payload at this place of the request comes now, from `offset` on.
  case start(index: Int, offset: Int, byteCount: Int)
  case bytes([UInt8])
}
