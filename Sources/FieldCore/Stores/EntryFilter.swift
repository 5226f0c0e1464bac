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
  /// Leaves out entries that came from there: who sent them has them. Known to the store that received them alone.
  public var notFrom: EntrySource?

  public init(
    scope: Scope = .workspace, kinds: Set<EntryKind>? = nil, author: DeviceKey? = nil, absentFrom: BloomSummary? = nil,
    before: UInt64? = nil, notFrom: EntrySource? = nil
  ) {
    self.scope = scope
    self.kinds = kinds
    self.author = author
    self.absentFrom = absentFrom
    self.before = before
    self.notFrom = notFrom
  }
}

/// Whose store an entry was received from, in which of that store's lives. In that life it still has the entry, or
/// purged it.
public struct EntrySource: Hashable, Sendable {
  public var device: DeviceKey
  public var epoch: StoreEpoch

  public init(device: DeviceKey, epoch: StoreEpoch) {
    self.device = device
    self.epoch = epoch
  }
}

extension EntryFilter {
  /// Whether an entry meets every condition but ``before`` and ``notFrom``.
  public func admits(_ header: EntryHeader, id: EntryID) -> Bool {
    switch scope {
    case .workspace: break
    case .database(let database): guard header.database == database else { return false }
    case .document(let database, let document):
      guard header.database == database, header.document == document else { return false }
    }
    return admits(kind: header.kind, author: header.author, id: id)
  }

  /// The conditions besides ``scope``, ``before`` and ``notFrom``.
  public func admits(kind: EntryKind, author: @autoclosure () -> DeviceKey, id: EntryID) -> Bool {
    if let kinds, !kinds.contains(kind) { return false }
    if let wanted = self.author, wanted != author() { return false }
    return absentFrom?.mayContain(id.words) != true
  }

  /// How far a scan has seen that started behind `start` and found no more, in a store whose newest arrival is
  /// `newest`.
  public func end(after start: UInt64, of newest: UInt64) -> UInt64 {
    let last = before.map { min(newest, $0 == 0 ? 0 : $0 - 1) } ?? newest
    return max(start, last)
  }
}
