import SetReconciliation

/// What one pass over the ids of a scope fills. Its size does not depend on how many ids there are, but for a list.
struct ReconcilePass: Sendable {
  var estimator: DifferenceEstimator?
  var sketch: PinSketch?
  var partition: PartitionedSketch?
  var cells: RatelessCells?
  var list: GolombSet?
  var lookup: KeyedIDLookup?
  /// The ids that the lookup found.
  private(set) var found: [EntryID] = []
  private var hasher: BatchHasher

  init(key: SummaryKey) {
    hasher = BatchHasher(key: key)
  }

  mutating func absorb(_ ids: [EntryID]) {
    let keyed = hasher.hash(ids)
    estimator?.add(keyed)
    sketch?.add(keyed)
    partition?.add(keyed)
    cells?.add(keyed)
    list?.add(keyed)
    if let places = lookup?.matches(in: keyed) { found.append(contentsOf: places.map { ids[$0] }) }
  }
}
