/// One way to find out what the other side has and this one lacks. They are ordered as they are tried; every one that
/// runs to its end gives the same result, and each can be turned off.
///
/// The first six are the ladder, which ``Reconciler`` climbs: both sides learn at once what to send. The others list
/// what the peer has, for ``EntryPull``; they are for peers without sketches and for what the ladder could not settle.
public enum Rung: String, Sendable, CaseIterable {
  /// The roots of both sides are equal: nothing is missing.
  case equalRoots
  /// Both sides remember the same set that they once shared, and compare only what each has gained since.
  case baseScope
  /// A few PinSketch syndromes in the first message name up to 24 differences.
  case summarySketch
  /// The ids are divided into buckets, with a small PinSketch of each: few bytes, for thin links.
  case partitionedSketch
  /// A rateless IBLT: more bytes, little computing, for fast links.
  case ratelessCells
  /// A Golomb-coded list of everything, for sets that differ for the greater part.
  case idList
  /// What arrived at the peer since the last time is listed.
  case cursorScan
  /// The peer lists what a keyed Bloom summary of this side's entries does not contain. It may miss a few.
  case bloomSummary
  /// Everything that the peer has is listed.
  case fullScan

  /// The rungs of ``Reconciler``.
  public static let ladder: Set<Rung> = [
    .equalRoots, .baseScope, .summarySketch, .partitionedSketch, .ratelessCells, .idList,
  ]
  /// Those by which a difference is found: without any of them there is no ladder.
  static let finding: Set<Rung> = [.summarySketch, .partitionedSketch, .ratelessCells, .idList]
}
