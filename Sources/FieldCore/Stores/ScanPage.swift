/// A piece of a store's order of arrival.
public struct ScanPage: Hashable, Sendable {
  /// In ascending order of arrival, strictly after the cursor that was asked with.
  public var listings: [EntryListing]
  /// Where the next page starts. It moves past entries that the filter left out, so an empty page may not be the last.
  public var next: StoreCursor
  public var hasMore: Bool

  public init(listings: [EntryListing], next: StoreCursor, hasMore: Bool) {
    self.listings = listings
    self.next = next
    self.hasMore = hasMore
  }
}
