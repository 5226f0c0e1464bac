@testable import FieldCore
import FieldWire
import SetReconciliation

/// Summaries of sets that a peer sends, and the ladder that they are rungs of.
let sketchTargets: [FuzzTarget] = [
  FuzzTarget("sketch") { bytes in
    var input = FuzzInput(bytes)
    let first = Int(input.byte() & 0x7f)
    let rest = input.bytes(.max)
    guard let sketch = PinSketch(bytes: rest, syndromes: first..<first + rest.count / 4) else { return }
    require(sketch.bytes == rest, "a sketch keeps its bytes")
    guard let shorts = sketch.decode() else { return }
    var again = PinSketch(capacity: sketch.syndromes.count)
    again.add(shorts.map { KeyedID(UInt64($0)) })
    require(again == sketch, "what was decoded has these sums")
  },
  FuzzTarget("estimator") { bytes in
    var input = FuzzInput(bytes)
    let widths = DifferenceEstimator.Width.allCases
    let width = widths[Int(input.byte()) % widths.count]
    guard let estimator = DifferenceEstimator(bytes: input.bytes(.max), width: width) else { return }
    let none = DifferenceEstimator(width: width, levelCount: estimator.levelCount)
    require((estimator.estimate(against: none) ?? -1) >= 0, "an estimate is no negative number")
  },
  FuzzTarget("partition") { bytes in
    var input = FuzzInput(bytes)
    guard let plan = PartitionPlan(bucketCount: Int(input.byte()), syndromeCount: Int(input.byte())),
      let sketch = PartitionedSketch(plan: plan, bytes: input.bytes(plan.byteCount)),
      var decoder = PartitionDecoder(difference: sketch)
    else { return }
    for _ in 0..<10 {
      decoder.decode()
      guard let wanted = decoder.nextExtension() else { return }
      let asked = PartitionExtension(
        bucketCount: wanted.bucketCount, bitmap: wanted.bitmap, syndromes: wanted.syndromes)
      require(asked == wanted, "a request comes back from its bitmap")
      guard let more = PartitionedSketch(extension: wanted, bytes: input.bytes(wanted.byteCount)) else { return }
      require(decoder.extend(with: more), "what was asked for extends")
    }
    require(false, "extensions come to an end")
  },
  FuzzTarget("golomb") { bytes in
    var input = FuzzInput(bytes)
    let count = Int(input.word())
    let universe = UInt64(input.word()) << (UInt64(input.byte()) & 63) | UInt64(input.byte())
    let rest = input.bytes(.max)
    guard let numbers = GolombList.decode(rest, count: count, universe: universe) else { return }
    require(GolombList.encode(numbers, universe: universe) == rest, "there is one way to write a list")
  },
  FuzzTarget("cells") { bytes in
    var input = FuzzInput(bytes)
    var decoder = RatelessDecoder()
    while !input.isEmpty {
      let piece = input.bytes(RatelessCells.cellByteCount * (1 + Int(input.byte())))
      let first = decoder.cellCount
      let indexes = first..<first + piece.count / RatelessCells.cellByteCount
      guard let cells = RatelessCells(bytes: piece, indexes: indexes), decoder.append(cells) else { return }
      require(decoder.symbols.count <= decoder.cellCount, "no more symbols than cells")
    }
  },
  FuzzTarget("reconciler") { bytes in
    var input = FuzzInput(bytes)
    let ids = (0..<40).map { EntryID(words: (UInt64($0), 2, 3, 4)) }
    let head = StoreHead(
      epoch: StoreEpoch(rawValue: 1), arrival: 40, entryCount: 40, digest: [UInt8](repeating: 1, count: 32))
    let link: LinkMeasure = input.byte() & 1 == 0 ? .bluetooth : .lan
    var reconciler = Reconciler(
      role: input.byte() & 1 == 0 ? .opener : .answerer, own: ReconcileFacts(head: head),
      secrets: ReconcileSecrets(handshakeHash: [UInt8](repeating: 7, count: 64)), planner: LadderPlanner(link: link))
    var actions = reconciler.start()
    var passes = 0
    while true {
      while !actions.isEmpty {
        guard case .pass = actions.removeFirst() else { continue }
        passes += 1
        reconciler.absorb(ids)
        actions += reconciler.passEnded()
      }
      guard !input.isEmpty, let message = try? Message(decoding: input.piece()),
        let further = try? reconciler.received(message)
      else { break }
      actions = further
    }
    require(passes <= LadderLimits.passCount, "a peer gets so many passes and no more")
  },
]
