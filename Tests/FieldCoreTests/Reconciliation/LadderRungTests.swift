import FieldTesting
import FieldWire
import Testing

@testable import FieldCore

/// Each rung, alone and together: the result, the bytes and the messages.
@Suite struct LadderRungTests {
  struct Pair {
    var near: LadderWorld
    var far: LadderWorld
    var nearOnly: Set<EntryID>
    var farOnly: Set<EntryID>

    /// - Parameters:
    ///   - count: Entries of each side, where the differences are split evenly; of the nearer side otherwise.
    init(count: Int, differences: Int, isOneSided: Bool = false, seed: UInt64) {
      var random = SeededRandom(seed: seed)
      func ids(_ count: Int) -> [EntryID] {
        (0..<count).map { _ in EntryID(words: (random.next(), random.next(), random.next(), random.next())) }
      }
      let nearCount = isOneSided ? differences : (differences + 1) / 2
      let shared = ids(max(0, count - nearCount))
      let (nearOnly, farOnly) = (ids(nearCount), ids(isOneSided ? 0 : differences / 2))
      near = LadderWorld(epoch: seed, ids: shared + nearOnly)
      far = LadderWorld(epoch: seed &+ 1, ids: farOnly + shared)
      self.nearOnly = Set(nearOnly)
      self.farOnly = Set(farOnly)
    }

    func run(_ planner: LadderPlanner, seed: UInt64, expected: Int? = nil, isSwapped: Bool = false) -> LadderRun {
      var facts = (isSwapped ? far : near).facts
      facts.expectedDifference = expected
      let secrets = ReconcileSecrets(handshakeHash: SeededRandom(seed: seed).copyBytes(64))
      return LadderRun(
        isSwapped ? far : near, isSwapped ? near : far, secrets: secrets, planner: planner, openerFacts: facts)
    }

    func check(_ run: LadderRun, isSwapped: Bool = false, _ comment: Comment = "") throws {
      #expect(run.error == nil)
      let (near, far) =
        isSwapped ? (run.results.answerer, run.results.opener) : (run.results.opener, run.results.answerer)
      let isInStep = nearOnly.isEmpty && farOnly.isEmpty
      switch (near, far) {
      case (.inStep, .inStep): #expect(isInStep, comment)
      case (.known(let nearPush, let nearWanted), .known(let farPush, let farWanted)):
        #expect(Set(self.near.pushed(nearPush)).isSuperset(of: nearOnly), comment)
        #expect(Set(self.far.pushed(farPush)).isSuperset(of: farOnly), comment)
        // One of a thousand asked for brings another one along.
        #expect(self.near.pushed(nearPush).count <= nearOnly.count + 3 + nearOnly.count / 50, comment)
        #expect(nearWanted == UInt64(farOnly.count) || farOnly.count > 100, comment)
        #expect(farWanted == UInt64(nearOnly.count) || nearOnly.count > 100, comment)
      default: Issue.record("\(near.debug) and \(far.debug) \(comment)")
      }
    }
  }

  private static let planners: [(String, LadderPlanner)] = [
    ("all, thin", LadderPlanner(link: .bluetooth)), ("all, fast", LadderPlanner(link: .lan)),
    (
      "sketch and partition",
      LadderPlanner(enabled: [.equalRoots, .summarySketch, .partitionedSketch], link: .bluetooth)
    ),
    ("partition", LadderPlanner(enabled: [.partitionedSketch], link: .bluetooth)),
    ("cells", LadderPlanner(enabled: [.ratelessCells], link: .bluetooth)),
    ("list", LadderPlanner(enabled: [.idList], link: .bluetooth)),
  ]

  @Test(
    arguments: planners.indices,
    [(0, 0), (1, 0), (1, 1), (10, 3), (10, 10), (300, 0), (300, 1), (300, 24), (300, 40), (300, 300), (2000, 500)])
  func everyRungFindsTheSame(planner: Int, size: (Int, Int)) throws {
    let (name, planner) = Self.planners[planner]
    for isOneSided in [false, true] {
      for isSwapped in [false, true] {
        let pair = Pair(count: size.0, differences: size.1, isOneSided: isOneSided, seed: UInt64(size.0 * 31 + size.1))
        let run = pair.run(planner, seed: 5, isSwapped: isSwapped)
        try pair.check(run, isSwapped: isSwapped, "\(name), \(size), \(isOneSided), \(isSwapped)")
        #expect(run.messageCount <= 13)
      }
    }
  }

  private static let seedCount: UInt64 = 20

  /// What a meeting costs: bytes both ways and turns, the request included.
  @Test(arguments: [
    (10_000, 0, 64.0, 2.0), (10_000, 1, 280, 2), (10_000, 12, 280, 2), (10_000, 24, 290, 2), (10_000, 100, 1050, 4),
    (10_000, 1000, 7800, 5),
  ])
  func bytesAndMessages(count: Int, differences: Int, byteLimit: Double, messageLimit: Double) throws {
    let planner = LadderPlanner(link: .bluetooth)
    var (byteCount, messageCount, runCount) = (0, 0, 0)
    for seed in 0..<Self.seedCount {
      let pair = Pair(count: count, differences: differences, seed: seed)
      // Who has not changed since the last time shows its root first.
      let run = pair.run(planner, seed: seed &+ 99, expected: differences == 0 ? 0 : nil)
      try pair.check(run)
      byteCount += run.byteCount
      messageCount += run.messageCount
      runCount += 1
    }
    let (bytes, messages) = (Double(byteCount) / Double(runCount), Double(messageCount) / Double(runCount))
    print("n \(count) d \(differences): \(bytes) bytes, \(messages) messages")
    #expect(bytes <= byteLimit && messages <= messageLimit)
  }

  enum Split: CaseIterable, Sendable { case even, opener, answerer }

  /// Over a grid of sizes and differences, at a first meeting: never more than 1.1 times the bytes of the cheapest rung
  /// alone that can do it in as many messages, and 13 messages. `Docs/RECONCILIATION.md` has what is compared.
  @Test(arguments: [0, 1, 10, 1000], Split.allCases)
  func neverMuchMoreThanTheBestRungAlone(count: Int, split: Split) throws {
    for differences in [0, 1, 2, 5, 10, 24, 25, 30, 50, 100, 120, 200, 300, 500, 700, 900, 1000]
    where differences <= max(1, count) && !(split != .even && differences >= count) {
      let all = try #require(try cost(Rung.ladder, count, differences, split))
      var alone: [Int] = []
      for rung in [Rung.summarySketch, .partitionedSketch, .ratelessCells, .idList] {
        guard let method = try cost([.equalRoots, rung], count, differences, split),
          method.messagesLeast <= all.messagesMost
        else { continue }
        alone.append(method.bytes)
      }
      #expect(
        Double(all.bytes) <= 1.1 * Double(alone.min() ?? 0) && all.messagesMost <= 13,
        "n \(count), d \(differences), \(split): \(all) and alone \(alone)")
    }
  }

  /// `nil` where the rungs do not come to an end.
  private func cost(
    _ enabled: Set<Rung>, _ count: Int, _ differences: Int, _ split: Split
  ) throws -> (bytes: Int, messagesLeast: Int, messagesMost: Int)? {
    var sum = (bytes: 0, messagesLeast: Int.max, messagesMost: 0)
    // With fewer one unlucky estimate decides.
    for seed in 0..<UInt64(20) {
      let pair = Pair(count: count, differences: differences, isOneSided: split != .even, seed: seed &* 77 &+ 5)
      let isSwapped = split == .answerer
      let planner = LadderPlanner(enabled: enabled, link: .bluetooth)
      let run = pair.run(planner, seed: seed, expected: differences == 0 ? 0 : nil, isSwapped: isSwapped)
      if case .undecided = run.results.opener { return nil }
      try pair.check(run, isSwapped: isSwapped, "\(count), \(differences), \(enabled)")
      sum.bytes += run.byteCount
      sum.messagesLeast = min(sum.messagesLeast, run.messageCount)
      sum.messagesMost = max(sum.messagesMost, run.messageCount)
    }
    return sum
  }

  /// What the first message could not name goes on where it left off, whichever side has more.
  @Test(arguments: [(40, Split.even), (40, .opener), (40, .answerer), (70, .even), (100, .opener)])
  func aSketchThatIsTooShortGoesOn(differences: Int, split: Split) throws {
    let pair = Pair(count: 5000, differences: differences, isOneSided: split != .even, seed: 17)
    let run = pair.run(LadderPlanner(link: .bluetooth), seed: 3, isSwapped: split == .answerer)
    try pair.check(run, isSwapped: split == .answerer)
    #expect(run.choices.allSatisfy { $0.rung == .summarySketch }, "\(run.choices)")
    #expect(run.messageCount <= 6)
  }

  /// A list of a hundred is shorter than anything about the other side's thousand.
  @Test func theSmallerSideLists() throws {
    let pair = Pair(count: 1000, differences: 900, isOneSided: true, seed: 6)
    for isSwapped in [false, true] {
      let run = pair.run(LadderPlanner(link: .bluetooth), seed: 2, isSwapped: isSwapped)
      try pair.check(run, isSwapped: isSwapped)
      #expect(run.byteCount < 600 && run.messageCount <= 4, "\(run.byteCount) bytes")
      #expect(run.choices.last?.rung == .idList)
    }
  }

  @Test func whoExpectsThatMostDifferListsAtOnce() throws {
    let pair = Pair(count: 1000, differences: 1000, seed: 4)
    let run = pair.run(LadderPlanner(link: .bluetooth), seed: 9, expected: 1000)
    try pair.check(run)
    #expect(run.byteCount <= 4100 && run.messageCount == 2)
  }

  @Test func aBaseNarrowsThePassesAndTheBytes() throws {
    var pair = Pair(count: 3000, differences: 0, seed: 8)
    let heads = (pair.near.head, pair.far.head)
    pair.near.remember(BaseRecord(head: heads.0, peer: heads.1.cursor))
    pair.far.remember(BaseRecord(head: heads.1, peer: heads.0.cursor))
    let equal = pair.run(LadderPlanner(link: .bluetooth), seed: 1)
    #expect(equal.messageCount == 2 && equal.byteCount <= 64 && equal.results.opener == .inStep)

    var random = SeededRandom(seed: 77)
    for index in 0..<6 {
      let id = EntryID(words: (random.next(), random.next(), random.next(), random.next()))
      if index < 5 { pair.near.insert(id) } else { pair.far.insert(id) }
      if index < 5 { pair.nearOnly.insert(id) } else { pair.farOnly.insert(id) }
    }
    let run = pair.run(LadderPlanner(link: .bluetooth), seed: 2)
    try pair.check(run)
    #expect(run.messageCount == 2 && run.byteCount <= 110)
    #expect(run.choices.contains { $0.rung == .baseScope })

    // A side that began anew has no such base, and everything is compared.
    pair.far.reset(epoch: 4711)
    let anew = pair.run(LadderPlanner(link: .bluetooth), seed: 3)
    try pair.check(anew)
    #expect(!anew.choices.contains { $0.rung == .baseScope && $0.reason.hasPrefix("6") })
  }

  /// The first step goes ahead of the answer, in messages of its own, and says nothing to a side without that base.
  @Test(arguments: [Set(Rung.allCases), [.baseScope, .idList]], [0, 500])
  func aLongFirstStepSinceAnUnknownBaseIsLeftAside(rungs: Set<Rung>, farCount: Int) throws {
    var pair = Pair(count: 500, differences: 0, seed: 8)
    pair.near.remember(BaseRecord(head: pair.near.head, peer: pair.far.head.cursor))
    if farCount == 0 {
      pair.nearOnly = pair.near.ids
      pair.far = LadderWorld(epoch: 4711)
    }
    var random = SeededRandom(seed: 77)
    for _ in 0..<100_000 {
      let id = EntryID(words: (random.next(), random.next(), random.next(), random.next()))
      pair.near.insert(id)
      pair.nearOnly.insert(id)
    }
    try pair.check(pair.run(LadderPlanner(enabled: rungs, link: .bluetooth), seed: 2, expected: 100_000), "\(rungs)")
  }

  /// A list that is longer than any step may be would end the session; other rungs, or none, do not.
  @Test(arguments: [LinkMeasure.bluetooth, .lan]) func noListIsLongerThanAStepMayBe(link: LinkMeasure) {
    for enabled in [Set(Rung.allCases), [.idList]] {
      let planner = LadderPlanner(enabled: enabled, link: link)
      for own in stride(from: UInt64(500_000), through: 8_500_000, by: 500_000) {
        for peer in stride(from: UInt64(500_000), through: 8_500_000, by: 1_000_000) {
          for differences in [1000, 1_000_000, 17_000_000] {
            switch planner.step(differences: differences, ownCount: own, peerCount: peer).0 {
            case .list(let parameter): #expect(LadderCosts.list(own, parameter) < LadderLimits.moveByteCount)
            case .askList(let parameter): #expect(LadderCosts.list(peer, parameter) < LadderLimits.moveByteCount)
            default: break
            }
            switch planner.opening(ownCount: own, peerCount: peer, expected: differences) {
            case .list(let parameter, _): #expect(LadderCosts.list(own, parameter) < LadderLimits.moveByteCount)
            case .askList(let parameter, _): #expect(LadderCosts.list(peer, parameter) < LadderLimits.moveByteCount)
            default: break
            }
          }
        }
      }
    }
  }
}

extension Optional<ReconcileResult> {
  fileprivate var debug: String {
    switch self {
    case nil: "nothing"
    case .inStep: "in step"
    case .undecided(let reason): "undecided: \(reason)"
    case .known(let push, let wanted):
      if case .ids(let ids) = push { "push \(ids.count), wanted \(wanted)" } else { "push all, wanted \(wanted)" }
    }
  }
}
