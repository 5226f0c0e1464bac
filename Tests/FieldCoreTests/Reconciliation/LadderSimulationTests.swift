import FieldTesting
import FieldWire
import Foundation
import Testing

@testable import FieldCore

/// Two sides that meet again and again, with everything that may happen between and during their meetings. Whatever
/// does, no entry is ever hidden: the first meeting that nothing disturbs leaves both with the union.
@Suite struct LadderSimulationTests {
  /// Enough for every day; ten times as many take a minute.
  private static let meetingCount =
    ProcessInfo.processInfo.environment["FIELD_MEETINGS"].flatMap { Int($0) } ?? 1_000
  private static let pairCount = 20

  @Test(arguments: 0..<pairCount)
  func theUnionIsExactEveryTime(pair: Int) throws {
    var simulation = Simulation(seed: UInt64(pair) * 7919 + 1)
    while simulation.meetingCount < Self.meetingCount / Self.pairCount { try simulation.liveOn() }
    #expect(simulation.scopedCount > 0 && simulation.cutCount > 0 && simulation.retryCount < simulation.meetingCount)
  }

  private struct Simulation {
    private var random: SeededRandom
    private var worlds: (LadderWorld, LadderWorld)
    private var sessionCount: UInt64 = 0
    private(set) var meetingCount = 0
    private(set) var scopedCount = 0
    private(set) var cutCount = 0
    private(set) var retryCount = 0

    init(seed: UInt64) {
      random = SeededRandom(seed: seed)
      worlds = (LadderWorld(epoch: seed), LadderWorld(epoch: seed &+ 1))
      let count = Self.count(&random, upTo: 300)
      for _ in 0..<count { insert() }
    }

    /// Small counts often, large ones now and then.
    private static func count(_ random: inout SeededRandom, upTo limit: Int) -> Int {
      let exponent = Double.random(in: 0...1, using: &random)
      return Int(exponent * exponent * exponent * Double(limit))
    }

    private mutating func newID() -> EntryID {
      EntryID(words: (random.next(), random.next(), random.next(), random.next()))
    }

    /// To one side, the other, or both: a third peer brought it.
    private mutating func insert() {
      let id = newID()
      switch Int.random(in: 0..<4, using: &random) {
      case 0: worlds.0.insert(id)
      case 1: worlds.1.insert(id)
      default:
        worlds.0.insert(id)
        worlds.1.insert(id)
      }
    }

    mutating func liveOn() throws {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<3: worlds.0.reset(epoch: random.next())
      case 3..<5:  // An old friend with a new disk.
        worlds.1 = LadderWorld(epoch: random.next())
      case 5..<8:
        // A purge at both sides: what is refused is another matter, of the session's.
        for id in worlds.0.ids.sorted().prefix(3) {
          worlds.0.purge(id)
          worlds.1.purge(id)
        }
      case 8..<12:
        // One side gains much at once.
        for _ in 0..<Self.count(&random, upTo: 400) { worlds.0.insert(newID()) }
      case 12..<13 where worlds.0.ids.count > 2000:
        worlds = (LadderWorld(epoch: random.next()), LadderWorld(epoch: random.next()))
      default:
        let count = Self.count(&random, upTo: 60)
        for _ in 0..<count { insert() }
      }
      try meet()
    }

    private mutating func meet() throws {
      meetingCount += 1
      sessionCount += 1
      var random = random.split()
      let isCut = random.chance(0.25)
      let opensFirst = random.chance(0.5)
      var enabled = Set(Rung.allCases)
      if random.chance(0.6) { for rung in Rung.allCases where random.chance(0.4) { enabled.remove(rung) } }
      let link: LinkMeasure = random.chance(0.7) ? .bluetooth : .lan
      let secrets = ReconcileSecrets(handshakeHash: SeededRandom(seed: sessionCount).copyBytes(64))
      let planner = LadderPlanner(enabled: enabled, link: link)
      let union = worlds.0.ids.union(worlds.1.ids)

      for attempt in 0..<LadderLimits.attemptCount {
        let cutAfter = isCut ? Int.random(in: 0..<5, using: &random) : .max
        let (opener, answerer) = opensFirst ? (worlds.0, worlds.1) : (worlds.1, worlds.0)
        let run = LadderRun(
          opener, answerer, secrets: secrets, attempt: attempt, planner: planner, cutAfter: cutAfter)
        try #require(run.error == nil, "\(String(describing: run.error))")
        try #require(run.messageCount <= 13)
        if run.choices.contains(where: { $0.rung == .baseScope }) { scopedCount += 1 }
        let isUndecided = try settle(run, opensFirst: opensFirst, isCut: run.wasCut || isCut, &random)
        if isCut {
          cutCount += 1
          return
        }
        if isUndecided {
          // The deterministic rungs list everything.
          for id in union {
            worlds.0.insert(id)
            worlds.1.insert(id)
          }
        }
        if worlds.0.ids == worlds.1.ids { break }
        retryCount += 1
        try #require(attempt + 1 < LadderLimits.attemptCount, "twice not the union")
      }
      #expect(worlds.0.ids == union && worlds.1.ids == union)
    }

    /// Moves the entries. After a cut only some arrive; only what was seen to be equal becomes a base.
    private mutating func settle(
      _ run: LadderRun, opensFirst: Bool, isCut: Bool, _ random: inout SeededRandom
    ) throws -> Bool {
      var sides = opensFirst ? worlds : (worlds.1, worlds.0)
      defer { worlds = opensFirst ? sides : (sides.1, sides.0) }
      var isUndecided = false
      let before = sides
      for (result, isOpener) in [(run.results.opener, true), (run.results.answerer, false)] {
        guard let result else {
          try #require(isCut, "a side that never knew")
          continue
        }
        switch result {
        case .inStep: try #require(before.0.ids == before.1.ids)
        case .undecided: isUndecided = true
        case .known(let push, _):
          let pushed = (isOpener ? before.0 : before.1).pushed(push)
          for id in isCut ? Array(pushed.prefix(Int.random(in: 0...pushed.count, using: &random))) : pushed {
            if isOpener { sides.1.insert(id) } else { sides.0.insert(id) }
          }
        }
      }
      if sides.0.ids == sides.1.ids, !sides.0.ids.isEmpty, !isUndecided {
        // Either side may go before it has heard that the roots are equal.
        let heads = (sides.0.head, sides.1.head)
        if !isCut || random.chance(0.5) { sides.0.remember(BaseRecord(head: heads.0, peer: heads.1.cursor)) }
        if !isCut || random.chance(0.5) { sides.1.remember(BaseRecord(head: heads.1, peer: heads.0.cursor)) }
      }
      return isUndecided
    }
  }
}

extension LadderWorld {
  mutating func remember(_ base: BaseRecord) {
    bases = Array(([base] + bases.filter { $0.digest != base.digest }).prefix(StoreLimits.baseCount))
  }
}

extension SeededRandom {
  func copyBytes(_ count: Int) -> [UInt8] {
    var copy = self
    return copy.bytes(count)
  }
}
