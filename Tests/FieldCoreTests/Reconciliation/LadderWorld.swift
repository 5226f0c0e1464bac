import FieldTesting
import FieldWire

@testable import FieldCore

/// A store that knows ids alone, for reconciliations without sessions: what a ``Reconciler`` asks of a store, and what
/// a session does with its result.
struct LadderWorld {
  /// By arrival, from 1; `nil` for what was purged.
  private(set) var order: [EntryID?] = []
  private(set) var ids: Set<EntryID> = []
  var epoch: StoreEpoch
  var bases: [BaseRecord] = []

  init(epoch: UInt64, ids: [EntryID] = []) {
    self.epoch = StoreEpoch(rawValue: epoch)
    for id in ids { insert(id) }
  }

  mutating func insert(_ id: EntryID) {
    guard ids.insert(id).inserted else { return }
    order.append(id)
  }

  mutating func purge(_ id: EntryID) {
    guard ids.remove(id) != nil, let index = order.firstIndex(of: id) else { return }
    order[index] = nil
  }

  /// A new life: the same entries in another order.
  mutating func reset(epoch: UInt64) {
    self.epoch = StoreEpoch(rawValue: epoch)
    order = ids.sorted().map { $0 }
    bases = []
  }

  /// The digest is no LtHash: this one is quick, and nobody attacks it here.
  var head: StoreHead {
    var sums: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for id in ids {
      let words = id.words
      sums = (sums.0 &+ words.0, sums.1 &+ words.1, sums.2 ^ words.2, sums.3 ^ words.3)
    }
    return StoreHead(
      epoch: epoch, arrival: UInt64(order.count), entryCount: UInt64(ids.count), digest: EntryID(words: sums).bytes)
  }

  func ids(in scope: ArrivalScope) -> [EntryID] {
    order[min(order.count, Int(scope.after))..<min(order.count, Int(scope.through))].compactMap { $0 }
  }

  var facts: ReconcileFacts {
    let head = head
    let known = bases.filter { $0.own.epoch == epoch && $0.own.arrival <= head.arrival }.map { base in
      let scope = ArrivalScope(after: base.own.arrival, through: head.arrival)
      return KnownBase(record: base, countSince: UInt64(ids(in: scope).count))
    }
    return ReconcileFacts(
      head: head, bases: known, expectedDifference: known.first.map { Int(clamping: $0.countSince) })
  }

  func pushed(_ push: ReconcileResult.Push) -> [EntryID] {
    switch push {
    case .ids(let ids): ids
    case .all(let scope): ids(in: scope)
    }
  }
}

/// One reconciliation between two worlds, message by message.
struct LadderRun {
  var byteCount = 0
  /// Turns: messages of one side in a row count once.
  var messageCount = 0
  var passCounts = (opener: 0, answerer: 0)
  var choices: [RungChoice] = []
  var results: (opener: ReconcileResult?, answerer: ReconcileResult?) = (nil, nil)
  var peers: (ofOpener: StoreCursor?, ofAnswerer: StoreCursor?) = (nil, nil)
  var error: WireError?
  var wasCut = false

  /// - Parameters:
  ///   - cutAfter: Messages that arrive before the connection goes.
  ///   - tamper: What becomes of a message that the answerer sends, or the opener.
  init(
    _ opener: LadderWorld, _ answerer: LadderWorld, secrets: ReconcileSecrets, attempt: UInt32 = 0,
    planner: LadderPlanner, answererPlanner: LadderPlanner? = nil, openerFacts: ReconcileFacts? = nil,
    cutAfter: Int = .max, tamper: ((Reconciler.Role, Message) -> Message)? = nil
  ) {
    var near = Reconciler(
      role: .opener, attempt: attempt, own: openerFacts ?? opener.facts, secrets: secrets, planner: planner)
    var far = Reconciler(
      role: .answerer, attempt: attempt, own: answerer.facts, secrets: secrets, planner: answererPlanner ?? planner)
    var isNear = true
    var actions = near.start()
    var mail: [(toNear: Bool, message: Message)] = []
    var deliveredCount = 0
    while true {
      var next: [Reconciler.Action] = []
      var hasSent = false
      for action in actions {
        switch action {
        case .pass(let scope):
          let ids = (isNear ? opener : answerer).ids(in: scope)
          for start in stride(from: 0, to: ids.count, by: 1000) {
            let piece = Array(ids[start..<min(start + 1000, ids.count)])
            if isNear { near.absorb(piece) } else { far.absorb(piece) }
          }
          if isNear {
            passCounts.opener += 1
            next += near.passEnded()
          } else {
            passCounts.answerer += 1
            next += far.passEnded()
          }
        case .send(let message):
          byteCount += message.framed.count
          if !hasSent { messageCount += 1 }
          hasSent = true
          mail.append((!isNear, tamper?(isNear ? .opener : .answerer, message) ?? message))
        case .chose(let choice): choices.append(choice)
        case .finished(let result):
          if isNear { results.opener = result } else { results.answerer = result }
        }
      }
      if !next.isEmpty {
        // A message that was sent before a pass would count twice.
        actions = next
        continue
      }
      guard !mail.isEmpty else { break }
      let (toNear, message) = mail.removeFirst()
      guard deliveredCount < cutAfter else {
        wasCut = true
        break
      }
      deliveredCount += 1
      isNear = toNear
      guard (isNear ? results.opener : results.answerer) == nil else {
        actions = []
        continue
      }
      do {
        actions = isNear ? try near.received(message) : try far.received(message)
      } catch {
        self.error = error
        break
      }
    }
    peers = (near.peerCursor, far.peerCursor)
  }
}
