/// Something that is made of a set in one pass, the set's ids coming in pieces of any size and in any order. A pass
/// needs no memory but the summaries'.
public protocol SetSummary: Sendable {
  /// Adds ids that were hashed under the summary's key. None may come twice.
  mutating func add(_ ids: [KeyedID])
}
