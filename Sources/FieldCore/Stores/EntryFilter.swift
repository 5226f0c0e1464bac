public import FieldWire
public import SetReconciliation

/// Which entries a scan returns. Conditions are combined with "and".
public struct EntryFilter: Sendable {
  public enum Scope: Hashable, Sendable {
    case workspace
    case database(DatabaseID)
    case document(DatabaseID, DocumentID)
  }

  public var scope: Scope
  /// `nil` for every kind.
  public var kinds: Set<EntryKind>?
  /// Entries of this author alone.
  public var author: DeviceKey?
  /// Entries whose id the filter surely does not contain: what its maker surely lacks. A small share of what it lacks
  /// is missing from the result (the filter's false positives).
  public var absentFrom: BloomSummary?
  /// Only entries that arrived before this one; exclusive.
  public var before: UInt64?

  public init(
    scope: Scope = .workspace, kinds: Set<EntryKind>? = nil, author: DeviceKey? = nil, absentFrom: BloomSummary? = nil,
    before: UInt64? = nil
  ) {
    self.scope = scope
    self.kinds = kinds
    self.author = author
    self.absentFrom = absentFrom
    self.before = before
  }
}
