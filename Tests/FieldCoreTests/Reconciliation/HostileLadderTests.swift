import FieldTesting
import FieldWire
import SetReconciliation
import StoreFixtures
import Testing

@testable import FieldCore

/// Peers that lie, and luck that is bad: bounded work, and never a side that believes to be in step when it is not.
@Suite struct HostileLadderTests {
  private static func secrets(_ seed: UInt64) -> ReconcileSecrets {
    ReconcileSecrets(handshakeHash: SeededRandom(seed: seed).copyBytes(64))
  }

  private static func ids(_ count: Int, _ random: inout SeededRandom) -> [EntryID] {
    (0..<count).map { _ in EntryID(words: (random.next(), random.next(), random.next(), random.next())) }
  }

  @Test func shortIDsThatCollideAreFoundUnderTheNextKey() throws {
    var random = SeededRandom(seed: 12)
    let secrets = Self.secrets(1)
    let key = secrets.key(attempt: 0)
    var known: [UInt32: EntryID] = [:]
    var pair: (EntryID, EntryID)?
    for id in Self.ids(300_000, &random) {
      let short = key.hash(id.words).short
      if let other = known[short] {
        pair = (other, id)
        break
      }
      known[short] = id
    }
    let (first, second) = try #require(pair)
    let shared = Self.ids(200, &random)
    let planner = LadderPlanner(enabled: [.equalRoots, .summarySketch, .partitionedSketch], link: .bluetooth)
    var (near, far) = (LadderWorld(epoch: 1, ids: shared + [first]), LadderWorld(epoch: 2, ids: shared + [second]))
    // The two cancel each other, so nothing seems to be missing; the roots say otherwise.
    let blind = LadderRun(near, far, secrets: secrets, planner: planner)
    #expect(blind.results.opener == .known(push: .ids([]), wantedCount: 0))
    #expect(near.head.digest != far.head.digest)
    let again = LadderRun(near, far, secrets: secrets, attempt: 1, planner: planner)
    #expect(again.results.opener == .known(push: .ids([first]), wantedCount: 1))
    #expect(again.results.answerer == .known(push: .ids([second]), wantedCount: 1))
    near.insert(second)
    far.insert(first)
    #expect(LadderRun(near, far, secrets: secrets, attempt: 1, planner: planner).results.opener == .inStep)
  }

  /// Every message of a whole exchange is altered in every way; what the honest side concludes stays true.
  @Test(arguments: 0..<8)
  func alteredStepsDoNoHarm(round: Int) throws {
    var random = SeededRandom(seed: UInt64(round) + 40)
    let enabledSets: [Set<Rung>] = [
      Set(Rung.allCases), [.equalRoots, .partitionedSketch], [.ratelessCells], [.idList],
    ]
    var (refusedCount, endedCount) = (0, 0)
    for step in 0..<300 {
      let shared = Self.ids(Int.random(in: 0..<120, using: &random), &random)
      let own = Self.ids(Int.random(in: 0..<60, using: &random), &random)
      let others = Self.ids(Int.random(in: 0..<60, using: &random), &random)
      let (near, far) = (LadderWorld(epoch: 1, ids: shared + own), LadderWorld(epoch: 2, ids: shared + others))
      let liar: Reconciler.Role = step % 2 == 0 ? .opener : .answerer
      var mutator = ByteMutator(seed: random.next())
      let target = Int.random(in: 0..<4, using: &random)
      var count = 0
      let run = LadderRun(
        near, far, secrets: Self.secrets(random.next()),
        planner: LadderPlanner(enabled: enabledSets[step % 4], link: step % 3 == 0 ? .lan : .bluetooth)
      ) { role, message in
        guard role == liar else { return message }
        defer { count += 1 }
        return count == target ? Message(message.type, body: mutator.mutate(message.body)) : message
      }
      #expect(run.passCounts.opener <= LadderLimits.passCount && run.passCounts.answerer <= LadderLimits.passCount)
      #expect(run.messageCount <= 2 * LadderLimits.moveCount)
      if run.error != nil { refusedCount += 1 } else { endedCount += 1 }
      let honest = liar == .opener ? run.results.answerer : run.results.opener
      let world = liar == .opener ? far : near
      if honest == .inStep { #expect(near.ids == far.ids) }
      if case .known(let push, _) = honest { #expect(world.ids.isSuperset(of: world.pushed(push))) }
    }
    #expect(refusedCount > 0 && endedCount > 0)
  }

  private static func estimator(_ byte: UInt8, levels: Int) -> DifferenceEstimator {
    DifferenceEstimator(bytes: Array(repeating: byte, count: 4 * levels), width: .thin) ?? DifferenceEstimator()
  }

  private static let largest: UInt64 = 1 << 62 - 1

  /// What a liar may say about its numbers.
  private static let lies: [@Sendable (inout ReconcileGreeting) -> Void] = [
    { $0.entryCount = largest }, { $0.entryCount = 0 }, { $0.arrival = largest },
    { $0.base = ReconcileGreeting.Base(tag: [1, 2, 3, 4], countSince: largest) },
    {
      $0.base = ReconcileGreeting.Base(tag: [1, 2, 3, 4], countSince: 0)
      $0.isScoped = true
    },
    { $0.move = .sketch(estimator(0xff, levels: 18), syndromes: Array(repeating: 0xff, count: 96)) },
    { $0.move = .sketch(estimator(0, levels: 18), syndromes: Array(repeating: 0, count: 96)) },
    { $0.move = .sketch(estimator(0xff, levels: 1), syndromes: Array(repeating: 7, count: 4)) },
    { $0.move = .sketch(estimator(0xaa, levels: 8), syndromes: []) }, { $0.move = .askList(parameter: 40) },
    { $0.move = .list(count: 300, parameter: 40, bytes: Array(repeating: 0, count: 2000)) },
    { $0.move = .list(count: largest, parameter: 40, bytes: [0xff]) },
    { $0.move = .partition(bucketCount: 16_384, syndromeCount: 1, bytes: Array(repeating: 0xff, count: 65_536)) },
    { $0.move = .partition(bucketCount: 1, syndromeCount: 128, bytes: Array(repeating: 7, count: 512)) },
    { $0.move = .cells(first: 0, bytes: Array(repeating: 0xff, count: 12_000)) },
    { $0.move = .cells(first: 0, bytes: Array(repeating: 0, count: 12_000)) },
    { $0.move = .cells(first: 5, bytes: Array(repeating: 0, count: 12)) },
    { $0.move = .askCells(count: 1 << 20) }, { $0.move = .askSyndromes(0..<64, bitmap: [1]) },
    { $0.move = .syndromes([1, 2, 3]) }, { $0.move = .found(comingCount: largest, askedCount: largest, asked: [1]) },
    { $0.move = .found(comingCount: 0, askedCount: 1, asked: [0xff, 0xff]) }, { $0.move = .foundAll },
    { $0.move = .follows }, { $0.move = .undecided(.noRung) }, { $0.move = .none },
  ]

  @Test(arguments: lies.indices)
  func liesCostBoundedWork(index: Int) throws {
    var random = SeededRandom(seed: UInt64(index))
    let shared = Self.ids(300, &random)
    let (near, far) = (
      LadderWorld(epoch: 1, ids: shared + Self.ids(9, &random)),
      LadderWorld(epoch: 2, ids: shared + Self.ids(5, &random))
    )
    for liar in [Reconciler.Role.opener, .answerer] {
      for link in [LinkMeasure.bluetooth, .lan] {
        let run = LadderRun(near, far, secrets: Self.secrets(3), planner: LadderPlanner(link: link)) { role, message in
          guard role == liar, message.type == .hello, var hello = try? message.decode(Hello.self) else {
            return message
          }
          Self.lies[index](&hello.greeting)
          return Message(hello)
        }
        #expect(run.passCounts.opener <= LadderLimits.passCount && run.passCounts.answerer <= LadderLimits.passCount)
        #expect(run.byteCount < 300_000)
        let honest = liar == .opener ? run.results.answerer : run.results.opener
        #expect(honest != .inStep)
      }
    }
  }

  /// Each value of a list takes a bit or two there and eight bytes here.
  @Test func aListOfMoreThanAListMayHoldIsNotRead() throws {
    let count = UInt64(GolombSet.entryLimit) + 1
    var random = SeededRandom(seed: 9)
    let (near, far) = (LadderWorld(epoch: 1, ids: Self.ids(9, &random)), LadderWorld(epoch: 2, ids: []))
    let list = GolombList.encode(Array(repeating: 0, count: Int(count)), universe: count << 1)
    let move = ReconcileMove.list(count: count, parameter: 1, bytes: list)
    var honest = Reconciler(
      role: .answerer, own: near.facts, secrets: Self.secrets(3), planner: LadderPlanner(link: .lan))
    var head = far.head
    head.entryCount = count
    let greeting = ReconcileGreeting(head: head, rootHalf: Array(repeating: 0, count: 8), move: move)
    #expect(throws: WireError(.limitExceeded, "")) {
      try honest.received(Message(Hello(capabilities: .all, greeting: greeting)))
    }
  }

  /// A first step that is to follow follows once.
  @Test func aStepThatIsPutOffForEverEndsTheSession() throws {
    let world = LadderWorld(epoch: 1, ids: [.number(1)])
    var honest = Reconciler(
      role: .answerer, own: world.facts, secrets: Self.secrets(3), planner: LadderPlanner(link: .lan))
    let head = LadderWorld(epoch: 2, ids: [.number(2)]).head
    let greeting = ReconcileGreeting(head: head, rootHalf: Array(repeating: 0, count: 8), move: .follows)
    _ = try honest.received(Message(Hello(capabilities: .all, greeting: greeting)))
    #expect(throws: WireError(.invalidValue, "")) { try honest.received(Message(MoveMessage(.follows))) }
  }

  /// A peer that asks for more for ever is left.
  @Test func aPeerThatNeverIsContentIsLeft() throws {
    var random = SeededRandom(seed: 6)
    let world = LadderWorld(epoch: 1, ids: Self.ids(4000, &random))
    let secrets = Self.secrets(4)
    let planner = LadderPlanner(enabled: [.ratelessCells], link: .lan)
    var honest = Reconciler(role: .answerer, own: world.facts, secrets: secrets, planner: planner)
    let other = LadderWorld(epoch: 2, ids: Self.ids(4000, &random))
    var liar = Reconciler(role: .opener, own: other.facts, secrets: secrets, planner: planner)
    func drive(_ actions: [Reconciler.Action], _ world: LadderWorld, _ side: inout Reconciler) -> [Message] {
      var sent: [Message] = []
      var queue = actions
      while !queue.isEmpty {
        switch queue.removeFirst() {
        case .pass(let scope):
          side.absorb(world.ids(in: scope))
          queue += side.passEnded()
        case .send(let message): sent.append(message)
        case .chose, .finished: break
        }
      }
      return sent
    }
    var message = try #require(drive(liar.start(), other, &liar).first)
    var roundCount = 0
    while roundCount < 100 {
      roundCount += 1
      let answers = drive(try honest.received(message), world, &honest)
      guard let last = answers.last, last.type == .hello || last.type == .move else { break }
      if last.type == .move, case .undecided = try last.decode(MoveMessage.self).move { break }
      message = Message(MoveMessage(.askCells(count: 64)))
    }
    #expect(roundCount <= LadderLimits.passCount + 1)
  }
}
