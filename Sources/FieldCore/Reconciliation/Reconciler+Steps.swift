import FieldWire
import SetReconciliation

// MARK: The peer's steps

extension Reconciler {
  mutating func respond(to move: ReconcileMove) throws(WireError) -> [Action] {
    switch move {
    case .follows:
      state = .waiting
      return []
    case .none:
      try expect(.answer)
      return begin()
    case .sketch(let estimator, let syndromes):
      try expect(.answer)
      return try answer(estimator, syndromes: syndromes)
    case .list(let count, let parameter, let bytes):
      try expect(.answer, .reply, .list)
      return try compare(count: count, parameter: parameter, bytes: bytes)
    case .partition(let bucketCount, let syndromeCount, let bytes):
      try expect(.answer, .reply)
      guard let plan = PartitionPlan(bucketCount: bucketCount, syndromeCount: syndromeCount),
        let theirs = PartitionedSketch(plan: plan, bytes: bytes)
      else { throw WireError(.invalidValue, "a partition of the wrong size") }
      // One bucket is a sketch of the whole, after which many may be of use.
      if bucketCount > 1 { tried.insert(.partitionedSketch) }
      naming = .buckets(count: bucketCount)
      return begin(.solvePartition(theirs)) { $0.partition = PartitionedSketch(plan: plan) }
    case .askSyndromes(let range, let bitmap):
      try expect(.reply)
      guard let plan = partitionPlan,
        let wanted = PartitionExtension(bucketCount: plan.bucketCount, bitmap: bitmap, syndromes: range)
      else { throw WireError(.invalidValue, "syndromes of nothing that was sent") }
      return begin(.sendSyndromes) { $0.partition = PartitionedSketch(extension: wanted) }
    case .syndromes(let bytes):
      try expect(.syndromes)
      guard let wanted = wantedExtension, let theirs = PartitionedSketch(extension: wanted, bytes: bytes) else {
        throw WireError(.invalidValue, "syndromes that were not asked for")
      }
      return begin(.solveSyndromes(theirs)) { $0.partition = PartitionedSketch(extension: wanted) }
    case .cells(let first, let bytes): return try receive(cells: bytes, first: first)
    case .askCells(let count):
      try expect(.reply)
      guard cellsEnd > 0, cellsDecoder == nil, count > 0 else {
        throw WireError(.invalidValue, "cells of nothing that was sent")
      }
      return sendCells(count: count)
    case .askList(let parameter):
      try expect(.answer, .reply)
      guard ownCount > 0 else { return askForAll() }
      // Once: a list costs memory for each entry.
      guard planner.enabled.contains(.idList), tried.insert(.idList).inserted,
        LadderCosts.fitsList(ownCount, parameter),
        let list = GolombSet(entryCount: Int(clamping: ownCount), parameter: parameter)
      else { return giveUp(.noRung) }
      return begin(.sendList(parameter: parameter)) { $0.list = list }
    case .found(let comingCount, let askedCount, let asked):
      return try found(comingCount: comingCount, askedCount: askedCount, asked: asked)
    case .foundAll: return finish(.known(push: .all(scope), wantedCount: 0))
    case .undecided(let reason): return finish(.undecided("the peer left the ladder: \(reason)"))
    }
  }

  private func expect(_ expected: Awaited...) throws(WireError) {
    guard expected.contains(awaited) else {
      throw WireError(.invalidValue, "a step of the reconciliation that answers nothing")
    }
  }

  /// The first step over this scope is this side's.
  private mutating func begin() -> [Action] {
    if peerCount == 0 {
      return send(
        .found(comingCount: ownCount, askedCount: 0, asked: []), .known(push: .all(scope), wantedCount: 0))
    }
    if ownCount == 0 { return askForAll() }
    // What was expected since a base says nothing about whole sets; and that nothing differs is known to be wrong.
    let expected = isScoped || own.bases.isEmpty ? own.expectedDifference : nil
    let opening = planner.opening(
      ownCount: ownCount, peerCount: peerCount, expected: expected == 0 ? nil : expected)
    if case .none = opening { return giveUp(.noRung) }
    return open(opening)
  }

  private mutating func askForAll() -> [Action] {
    send(.foundAll, .known(push: .ids([]), wantedCount: peerCount))
  }

  private mutating func answer(_ theirs: DifferenceEstimator, syndromes: [UInt8]) throws(WireError) -> [Action] {
    guard ownCount > 0 else { return askForAll() }
    let count = syndromes.count / 4
    let sketch = count > 0 ? PinSketch(bytes: syndromes, syndromes: 0..<count) : nil
    guard count == 0 || sketch != nil else { throw WireError(.invalidValue, "a sketch of the wrong size") }
    return begin(.answerSketch(estimator: theirs, sketch: planner.enabled.contains(.summarySketch) ? sketch : nil)) {
      $0.estimator = DifferenceEstimator(width: theirs.width, levelCount: theirs.levelCount)
      if count > 0 { $0.sketch = PinSketch(capacity: count) }
    }
  }

  private mutating func compare(count: UInt64, parameter: Int, bytes: [UInt8]) throws(WireError) -> [Action] {
    guard count <= UInt64(GolombSet.entryLimit) else { throw WireError(.limitExceeded, "a list of \(count)") }
    guard count == peerCount, count <= UInt64(bytes.count) * 8, count.leadingZeroBitCount > parameter,
      let values = GolombList.decode(bytes, count: Int(count), universe: count << UInt64(parameter))
    else { throw WireError(.invalidValue, "a list that is none") }
    tried.insert(.idList)
    guard ownCount > 0 else { return askForAll() }
    guard let list = GolombSet(entryCount: Int(count), parameter: parameter) else { return giveUp(.noRung) }
    naming = .places(space: list.space)
    return begin(.compareList(values: values)) { $0.list = list }
  }

  private mutating func receive(cells bytes: [UInt8], first: Int) throws(WireError) -> [Action] {
    if cellsDecoder == nil {
      try expect(.answer, .reply)
      cellsEnd = 0
    } else {
      try expect(.cells)
    }
    let end = first + bytes.count / RatelessCells.cellByteCount
    guard first == cellsEnd, end > first, end <= cellLimit,
      let theirs = RatelessCells(bytes: bytes, indexes: first..<end)
    else { throw WireError(.limitExceeded, "cells that nobody needs") }
    tried.insert(.ratelessCells)
    naming = .whole
    if cellsDecoder == nil { cellsDecoder = RatelessDecoder() }
    cellsEnd = end
    return begin(.solveCells(theirs)) { $0.cells = RatelessCells(indexes: first..<end) }
  }

  /// Twice what naming everything takes.
  private var cellLimit: Int {
    let entryCount = min(ownCount, 1 << 40) + min(peerCount, 1 << 40)
    return Int(min(UInt64(RatelessCells.cellLimit), 256 + 3 * entryCount))
  }

  private mutating func found(comingCount: UInt64, askedCount: UInt64, asked: [UInt8]) throws(WireError) -> [Action] {
    guard comingCount <= peerCount, askedCount <= ownCount, askedCount <= UInt64(asked.count) * 8 else {
      throw WireError(.invalidValue, "more entries than there are")
    }
    guard askedCount > 0 else { return finish(.known(push: .ids([]), wantedCount: comingCount)) }
    try expect(.reply)
    let (universe, space) = request(of: ownCount)
    guard let values = GolombList.decode(asked, count: Int(askedCount), universe: universe) else {
      throw WireError(.invalidValue, "a request that is none")
    }
    guard let space else {
      guard case .places(let space) = naming, case .range(let range) = space else { return giveUp(.contradiction) }
      let count = Int(clamping: ownCount)
      let parameter = (range / max(1, ownCount)).trailingZeroBitCount
      return begin(.valuesOfPlaces(values, comingCount: comingCount)) {
        $0.list = GolombSet(entryCount: count, parameter: parameter)
      }
    }
    return begin(.pushAsked(comingCount: comingCount)) { $0.lookup = KeyedIDLookup(values: values, space: space) }
  }

  /// How entries are asked for of a side that has `count`: numbers below `universe`, each cut from a keyed id as
  /// `space` says, or (`nil`) a place in a list.
  private func request(of count: UInt64) -> (universe: UInt64, space: KeyedIDSpace?) {
    switch naming {
    case .buckets(let bucketCount):
      let bits = KeyedIDSpace.requestPrefixBits(entryCount: Int(clamping: count), bucketCount: bucketCount)
      return (UInt64(bucketCount) << UInt64(bits), .buckets(count: bucketCount, prefixBits: bits))
    case .whole:
      let universe = max(1, min(count, 1 << 40)) << 10
      return (universe, .range(universe))
    case .places: return (count, nil)
    }
  }
}

// MARK: Passes that have ended

extension Reconciler {
  /// Everything of the scope was given.
  public mutating func passEnded() -> [Action] {
    guard case .passing(let purpose) = state, var pass else { return [] }
    self.pass = nil
    state = .waiting
    switch purpose {
    case .opening(.list(let parameter, _)), .sendList(let parameter):
      guard let list = pass.list.take() else { return giveUp(.noRung) }
      naming = .places(space: list.space)
      awaited = .reply
      return send(.list(count: ownCount, parameter: parameter, bytes: list.encoded()))
    case .opening:
      guard let estimator = pass.estimator else { return giveUp(.noRung) }
      awaited = .reply
      naming = .buckets(count: 1)
      // The peer may ask for more syndromes of the same.
      if let sketch = pass.sketch {
        partitionPlan = PartitionPlan(bucketCount: 1, syndromeCount: sketch.syndromes.count)
      }
      return send(.sketch(estimator, syndromes: pass.sketch?.bytes ?? []))
    case .answerSketch(let estimator, let sketch):
      if let own = pass.estimator {
        let found = own.estimate(
          against: estimator, ownCount: Int(clamping: ownCount), otherCount: Int(clamping: peerCount))
        estimate = min(found ?? 0, LadderPlanner.estimateLimit)
      }
      guard let sketch, var difference = pass.sketch.take(), difference.formDifference(with: sketch) else {
        return step()
      }
      naming = .buckets(count: 1)
      if let shortIDs = difference.decode() {
        let reason = "the first message named all \(shortIDs.count)"
        return [.chose(RungChoice(.summarySketch, reason))] + classify(shortIDs.map(UInt64.init))
      }
      partitionDecoder = PartitionDecoder(undecoded: difference)
      return step(sketched: difference.syndromes.count)
    case .sendPartition:
      guard let partition = pass.partition.take() else { return giveUp(.contradiction) }
      awaited = .reply
      naming = .buckets(count: partition.bucketCount)
      return send(
        .partition(
          bucketCount: partition.bucketCount, syndromeCount: partition.syndromes.count, bytes: partition.bytes))
    case .sendSyndromes:
      awaited = .reply
      return send(.syndromes(pass.partition?.bytes ?? []))
    case .sendCells:
      guard let cells = pass.cells.take() else { return giveUp(.contradiction) }
      awaited = .reply
      naming = .whole
      cellsEnd = cells.indexes.upperBound
      return send(.cells(first: cells.indexes.lowerBound, bytes: cells.bytes))
    case .solvePartition(let theirs):
      guard var difference = pass.partition.take(), difference.formDifference(with: theirs),
        let decoder = PartitionDecoder(difference: difference)
      else { return giveUp(.contradiction) }
      partitionDecoder = decoder
      return solve()
    case .solveSyndromes(let theirs):
      guard var difference = pass.partition.take(), difference.formDifference(with: theirs),
        partitionDecoder?.extend(with: difference) == true
      else { return giveUp(.contradiction) }
      return solve()
    case .solveCells(let theirs):
      guard var difference = pass.cells.take(), difference.formDifference(with: theirs),
        cellsDecoder?.append(difference) == true
      else { return step() }
      return solveCells()
    case .compareList(let values):
      guard let list = pass.list.take() else { return giveUp(.contradiction) }
      let space = list.space
      let (ownOnly, places) = list.compare(with: values)
      guard !ownOnly.isEmpty else { return report(push: [], asked: places) }
      return begin(.pushOwn(asked: places)) { $0.lookup = KeyedIDLookup(values: ownOnly, space: space) }
    case .pushOwn(let asked): return report(push: pass.found, asked: asked)
    case .classify:
      let unmatched = pass.lookup?.unmatched ?? []
      return report(push: pass.found, asked: unmatched)
    case .pushAsked(let comingCount):
      return finish(.known(push: .ids(pass.found), wantedCount: comingCount))
    case .valuesOfPlaces(let places, let comingCount):
      guard let list = pass.list.take() else { return giveUp(.contradiction) }
      let space = list.space
      let values = list.sortedValues()
      let asked = places.compactMap { $0 < UInt64(values.count) ? values[Int($0)] : nil }
      return begin(.pushAsked(comingCount: comingCount)) { $0.lookup = KeyedIDLookup(values: asked, space: space) }
    }
  }

  /// The differences are known; which of them are this side's, a pass tells.
  private mutating func classify(_ values: [UInt64]) -> [Action] {
    let space: KeyedIDSpace =
      if case .buckets(let count) = naming { .buckets(count: count, prefixBits: 32) } else { .whole }
    return begin(.classify) { $0.lookup = KeyedIDLookup(values: values, space: space) }
  }

  /// - Parameter asked: Values in the space of the decoder, or places in the peer's list; ascending.
  private mutating func report(push: [EntryID], asked: [UInt64]) -> [Action] {
    guard UInt64(asked.count) <= peerCount else { return giveUp(.contradiction) }
    let (universe, space) = request(of: peerCount)
    let numbers: [UInt64] =
      switch space {
      case .buckets(_, let bits): asked.map { KeyedIDSpace.truncated($0, toPrefixBits: bits) }
      case .range: asked.map { space?.value(of: KeyedID($0)) ?? $0 }
      case .whole, nil: asked
      }
    let bytes = numbers.isEmpty ? [] : GolombList.encode(numbers, universe: universe)
    return send(
      .found(comingCount: UInt64(push.count), askedCount: UInt64(numbers.count), asked: bytes),
      .known(push: .ids(push), wantedCount: UInt64(numbers.count)))
  }

  /// The next rung, with this side as the one that encodes.
  ///
  /// - Parameter sketched: Syndromes of both sets that are known already.
  private mutating func step(sketched: Int = 0) -> [Action] {
    let (step, choice) = planner.step(
      differences: estimate, ownCount: ownCount, peerCount: peerCount, sketched: sketched, excluding: tried)
    let chosen = choice.map { [Action.chose($0)] } ?? []
    if case .furtherSketch(let syndromeCount) = step {
      tried.insert(.summarySketch)
      guard
        let wanted = PartitionExtension(bucketCount: 1, bitmap: [1], syndromes: sketched..<syndromeCount)
      else { return giveUp(.noRung) }
      return chosen + ask(for: wanted)
    }
    cellsDecoder = nil
    partitionDecoder = nil
    switch step {
    case .furtherSketch: return giveUp(.noRung)
    case .askList(let parameter):
      tried.insert(.idList)
      return chosen + ask(forList: parameter)
    case .list(let parameter):
      tried.insert(.idList)
      let count = Int(clamping: ownCount)
      return chosen
        + begin(.sendList(parameter: parameter)) { $0.list = GolombSet(entryCount: count, parameter: parameter) }
    case .partition(let plan):
      tried.insert(.partitionedSketch)
      partitionPlan = plan
      return chosen + begin(.sendPartition) { $0.partition = PartitionedSketch(plan: plan) }
    case .cells(let count):
      tried.insert(.ratelessCells)
      cellsEnd = 0
      return chosen + sendCells(count: count)
    case .nothing: return giveUp(.noRung)
    }
  }

  private mutating func sendCells(count: Int) -> [Action] {
    guard let cells = RatelessCells(indexes: cellsEnd..<cellsEnd + count) else { return giveUp(.budget) }
    return begin(.sendCells) { $0.cells = cells }
  }

  private mutating func solve() -> [Action] {
    partitionDecoder?.decode()
    guard let decoder = partitionDecoder else { return giveUp(.contradiction) }
    if decoder.isComplete { return classify(decoder.solved) }
    if moveCount < LadderLimits.extensionMoveCount, let wanted = decoder.nextExtension() {
      let isWhole = wanted.bucketCount == 1
      let reason =
        isWhole
        ? "more than \(wanted.syndromes.lowerBound) differ"
        : "\(wanted.buckets.count) buckets of \(wanted.bucketCount) hold more than was sent"
      let rung: Rung = isWhole && !tried.contains(.partitionedSketch) ? .summarySketch : .partitionedSketch
      return [.chose(RungChoice(rung, reason))] + ask(for: wanted)
    }
    // More than the estimate said, by far.
    estimate = min(max(estimate, decoder.solved.count, decoder.leastSize) * 2, LadderPlanner.estimateLimit)
    return step()
  }

  mutating func ask(forList parameter: Int) -> [Action] {
    awaited = .list
    return send(.askList(parameter: parameter))
  }

  private mutating func ask(for wanted: PartitionExtension) -> [Action] {
    wantedExtension = wanted
    awaited = .syndromes
    return send(.askSyndromes(wanted.syndromes, bitmap: wanted.bitmap))
  }

  private mutating func solveCells() -> [Action] {
    guard let decoder = cellsDecoder else { return giveUp(.contradiction) }
    if decoder.isComplete { return classify(decoder.symbols.sorted()) }
    let count = min(max(32, cellsEnd * 2 / 5), cellLimit - cellsEnd)
    guard count > 0 else { return step() }
    awaited = .cells
    return [.chose(RungChoice(.ratelessCells, "\(cellsEnd) cells were too few"))] + send(.askCells(count: count))
  }
}
