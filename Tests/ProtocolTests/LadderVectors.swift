import FieldWire
import SetReconciliation

@testable import FieldCore

/// Reconciliations of the fixture's entries, over the keys of its handshake.
extension Vectors {
  private func facts(_ ids: [EntryID], bases: [KnownBase] = []) -> ReconcileFacts {
    var digest = SetDigest()
    for id in ids { digest.insert(id) }
    let count = UInt64(ids.count)
    return ReconcileFacts(
      head: StoreHead(epoch: fixture.epoch, arrival: count, entryCount: count, digest: digest.value), bases: bases)
  }

  /// What the two sides say to each other, in turn.
  ///
  /// - Parameters:
  ///   - own: The opener's entries, in their order of arrival.
  ///   - others: The answerer's.
  private func messages(
    _ own: [EntryID], _ others: [EntryID], by rungs: Set<Rung>, attempt: UInt32 = 0, bases: [KnownBase] = [],
    link: LinkMeasure = .bluetooth
  ) throws -> [Message] {
    let secrets = try fixture.handshake().initiator.reconcile
    let planner = LadderPlanner(enabled: rungs, link: link)
    var sides = [
      Reconciler(
        role: .opener, attempt: attempt, own: facts(own, bases: bases), secrets: secrets, planner: planner),
      Reconciler(role: .answerer, attempt: attempt, own: facts(others), secrets: secrets, planner: planner),
    ]
    let ids = [own, others]
    var messages: [Message] = []
    var turn = 0
    var actions = sides[0].start()
    while !actions.isEmpty {
      switch actions.removeFirst() {
      case .pass(let scope):
        sides[turn].absorb(Array(ids[turn][Int(scope.after)..<Int(scope.through)]))
        actions += sides[turn].passEnded()
      case .send(let message):
        messages.append(message)
        turn = 1 - turn
        if actions.isEmpty { actions = try sides[turn].received(message) }
      case .chose, .finished: break
      }
    }
    return messages
  }

  func ladderHello() throws -> Message {
    try required(messages(fixture.entries().map(\.id), [], by: Set(Rung.allCases)).first)
  }

  func ladder() throws -> [MessageVector] {
    let ids = try fixture.entries().map(\.id)
    let all = Set(Rung.allCases)
    let list = try messages(ids, Array(ids[..<3]), by: all)
    let sketch = try messages(ids, Array(ids[1...]), by: [.summarySketch])
    let partition = try messages(ids, Array(ids[1...]), by: [.partitionedSketch])
    let cells = try messages(ids, Array(ids[1...]), by: [.ratelessCells])
    let again = try messages(ids, Array(ids[..<3]), by: all, attempt: 1)
    let base = BaseRecord(head: facts(Array(ids[..<3])).head, peer: StoreCursor(epoch: fixture.epoch, arrival: 3))
    let scoped = try messages(ids, Array(ids[..<3]), by: all, bases: [KnownBase(record: base, countSince: 1)])
    return [
      try vector("hello.list", list, 0, Hello.self), try vector("hello.list.answer", list, 1, Hello.self),
      try vector("hello.sketch", sketch, 0, Hello.self), try vector("hello.sketch.answer", sketch, 1, Hello.self),
      try vector("hello.partition.answer", partition, 1, Hello.self),
      try vector("hello.cells.answer", cells, 1, Hello.self), try vector("hello.base", scoped, 0, Hello.self),
      try vector("compare", again, 0, CompareRequest.self),
      try vector("compare.answer", again, 1, CompareRequest.self),
      MessageVector("move.none", MoveMessage(.none)), MessageVector("move.follows", MoveMessage(.follows)),
      MessageVector(
        "move.sketch.wide",
        MoveMessage(.sketch(DifferenceEstimator(width: .widest, levelCount: 1), syndromes: counting(from: 1, 4)))),
      MessageVector("move.found", MoveMessage(.found(comingCount: 1, askedCount: 0, asked: []))),
      MessageVector("move.foundAll", MoveMessage(.foundAll)),
      MessageVector("move.askSyndromes", MoveMessage(.askSyndromes(32..<40, bitmap: [0b101]))),
      MessageVector("move.syndromes", MoveMessage(.syndromes(counting(from: 1, 64)))),
      MessageVector("move.askCells", MoveMessage(.askCells(count: 90))),
      MessageVector("move.askList", MoveMessage(.askList(parameter: 12))),
      MessageVector("move.undecided", MoveMessage(.undecided(.budget))),
      MessageVector("movePart", MovePart(bytes: [2, 1, 2, 3])),
    ]
  }

  private func vector<Body: MessageBody>(
    _ name: String, _ messages: [Message], _ place: Int, _ type: Body.Type
  ) throws -> MessageVector {
    guard messages.indices.contains(place) else { throw Missing() }
    return MessageVector(name, try messages[place].decode(Body.self))
  }
}
