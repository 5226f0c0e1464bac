public import FieldWire
import SetReconciliation

/// One side of a reconciliation: finds out, together with its counterpart, which entries each side lacks, without
/// saying anything about those that both have. No IO, no clock: messages and ids in, actions out. The two sides take
/// turns; who speaks first is the opener.
///
/// The ladder, one rung after the other:
/// 1. Roots (``SetDigest``, keyed) that are equal end it.
/// 2. A ``BaseRecord`` that both remember narrows it to what came since.
/// 3. The first message's summary: an estimator (Strata, Eppstein et al. 2011, as parities) and 24 syndromes of a
///    PinSketch (Dodis, Ostrovsky, Reyzin and Smith 2008) over keyed short ids (as in Erlay, BIP 330).
/// 4. By the estimate: partitioned PinSketch (after PBS, Gong et al. 2020), a rateless IBLT (Yang, Gilad and Alizadeh
///    2024), or a Golomb-coded list (as in BIP 158); ``LadderPlanner`` decides.
///
/// Whoever can name the differences asks for what it lacks by short ids and says how much it will send. What collided
/// shows in the roots afterwards, and a second attempt has another key. A peer that lies costs bounded work: so many
/// messages, so many passes, and no allocation beyond what both counts allow.
public struct Reconciler: Sendable {
  public enum Role: Sendable {
    case opener
    case answerer
  }

  public enum Action: Sendable {
    /// Give the ids of this scope to ``absorb(_:)``, in pieces and in any order, then call ``passEnded()``.
    case pass(ArrivalScope)
    case send(Message)
    case chose(RungChoice)
    /// Comes once, and is the last.
    case finished(ReconcileResult)
  }

  enum State {
    case idle
    case passing(Purpose)
    case waiting
    case over
  }

  /// What a pass is for.
  enum Purpose {
    case opening(LadderPlanner.Opening)
    case answerSketch(estimator: DifferenceEstimator, sketch: PinSketch?)
    case sendPartition
    case sendSyndromes
    case sendCells
    case sendList(parameter: Int)
    case solvePartition(PartitionedSketch)
    case solveSyndromes(PartitionedSketch)
    case solveCells(RatelessCells)
    case compareList(values: [UInt64])
    case classify
    case pushOwn(asked: [UInt64])
    case pushAsked(comingCount: UInt64)
    case valuesOfPlaces([UInt64], comingCount: UInt64)
  }

  /// How the entries that are asked for are named, which depends on the step that found them.
  enum Naming {
    /// By bucket and short id.
    case buckets(count: Int)
    /// By the whole keyed id.
    case whole
    /// By places in the list that was sent or received.
    case places(space: KeyedIDSpace)
  }

  let role: Role
  let attempt: UInt32
  let own: ReconcileFacts
  let secrets: ReconcileSecrets
  let planner: LadderPlanner
  let root: [UInt8]

  var state = State.idle
  var scope: ArrivalScope
  /// Entries that are compared, here and there; the peer's is what it says.
  var ownCount: UInt64
  var peerCount: UInt64 = 0
  private(set) var peer: ReconcileGreeting?
  private(set) var peerCapabilities: Capabilities = []
  private var offered: BaseRecord?
  private(set) var isScoped = false
  private var hasGreeted = false
  var pass: ReconcilePass?
  private var passCount = 0
  private(set) var moveCount = 0
  private var parts: [UInt8] = []
  /// The opener's first step is on its way, and is over a scope that this side does not compare.
  private var leavesStepAside = false

  // What the steps so far have left.
  var naming = Naming.buckets(count: 1)
  var tried: Set<Rung> = []
  var estimate = 0
  var partitionPlan: PartitionPlan?
  var partitionDecoder: PartitionDecoder?
  var wantedExtension: PartitionExtension?
  var cellsDecoder: RatelessDecoder?
  var cellsEnd = 0
  /// The decoder waits for the encoder.
  var awaited = Awaited.answer

  /// Which moves make sense now.
  enum Awaited {
    /// Any first move.
    case answer
    /// What follows a first move of this side.
    case reply
    case syndromes
    case cells
    case list
  }

  /// - Parameter attempt: 0 for the first of a session, whose greetings travel in `hello`; later ones compare
  ///   everything.
  public init(
    role: Role, attempt: UInt32 = 0, own: ReconcileFacts, secrets: ReconcileSecrets, planner: LadderPlanner
  ) {
    self.role = role
    self.attempt = attempt
    self.own = own
    self.secrets = secrets
    self.planner = planner
    root = secrets.root(of: own.head)
    scope = ArrivalScope(after: 0, through: own.head.arrival)
    ownCount = own.head.entryCount
  }

  /// The peer's place when it greeted; `nil` before.
  public var peerCursor: StoreCursor? { peer?.cursor }
  /// Where the peer stands, in the terms of later notices. Its root is not known unless it is this side's.
  var peerNotice: StateNotice? {
    peer.map { peer in
      StateNotice(
        head: StoreHead(epoch: peer.epoch, arrival: peer.arrival, entryCount: peer.entryCount, digest: []),
        root: Array(repeating: 0, count: ReconcileSecrets.rootByteCount), pulledThrough: 0, isExact: false,
        wantedCount: 0)
    }
  }
  /// Entries that a pass goes over.
  var passEntryCount: UInt64 { ownCount }
  /// This side's head when it began.
  var ownHead: StoreHead { own.head }

  // MARK: Events

  /// The opener's first event.
  public mutating func start() -> [Action] {
    guard role == .opener, case .idle = state else { return [] }
    if attempt == 0, planner.enabled.contains(.baseScope), let base = own.bases.first {
      offered = base.record
      narrow(to: base, peerCount: 0)
    }
    guard planner.canReconcile else { return send(.none) }
    return open(planner.opening(ownCount: ownCount, expected: own.expectedDifference))
  }

  /// A message of the peer.
  ///
  /// - Throws: What no honest peer sends; the session has to end.
  public mutating func received(_ message: Message) throws(WireError) -> [Action] {
    guard case .waiting = state else {
      guard case .idle = state, role == .answerer else {
        throw WireError(.invalidValue, "a step of the reconciliation out of turn")
      }
      return try received(greeting: message)
    }
    if peer == nil { return try received(greeting: message) }
    switch message.type {
    case .movePart:
      let part = try message.decode(MovePart.self).bytes
      let total = own.head.entryCount &+ min(peer?.entryCount ?? 0, 1 << 40)
      guard !part.isEmpty, parts.count + part.count <= LadderLimits.moveByteCount(entryCount: total) else {
        throw WireError(.limitExceeded, "a step of the reconciliation that is too long")
      }
      parts += part
      return []
    default:
      if leavesStepAside, message.type == .move {
        leavesStepAside = false
        parts = []
        return try respond(to: .none)
      }
      var whole = message
      if !parts.isEmpty, message.type == .move {
        whole.body = parts + message.body
        parts = []
      }
      let move = try whole.decode(MoveMessage.self).move
      guard move != .follows else { throw WireError(.invalidValue, "a step that is put off again") }
      return try respond(to: move)
    }
  }

  /// Ids of the scope that was asked for.
  public mutating func absorb(_ ids: [EntryID]) { pass?.absorb(ids) }

  /// The pass that was asked for is not taken: there were too many.
  public mutating func passRefused() -> [Action] {
    guard case .passing = state else { return [] }
    pass = nil
    return giveUp(.budget)
  }

  // MARK: Greetings

  private mutating func received(greeting message: Message) throws(WireError) -> [Action] {
    let greeting: ReconcileGreeting
    if attempt == 0 {
      let hello = try message.decode(Hello.self)
      peerCapabilities = hello.capabilities
      greeting = hello.greeting
    } else {
      let request = try message.decode(CompareRequest.self)
      guard request.attempt == attempt else { throw WireError(.invalidValue, "an attempt that is not the next one") }
      peerCapabilities = .ladder
      greeting = request.greeting
    }
    peer = greeting
    peerCount = greeting.entryCount
    let isEqual = greeting.entryCount == own.head.entryCount && greeting.rootHalf == half(of: role.other)
    return role == .answerer ? try answer(greeting, isEqual: isEqual) : try hear(greeting, isEqual: isEqual)
  }

  /// The answerer takes up, or leaves aside, the base that the opener offers.
  private mutating func answer(_ greeting: ReconcileGreeting, isEqual: Bool) throws(WireError) -> [Action] {
    if isEqual { return [.chose(RungChoice(.equalRoots, "both sides hold the same"))] + send(.none, .inStep) }
    guard canClimb else { return send(.undecided(.noRung), .undecided("one side has no ladder")) }
    if planner.enabled.contains(.baseScope), let offer = greeting.base,
      let base = own.bases.first(where: {
        secrets.tag(of: $0.record) == offer.tag && $0.record.peer.epoch == greeting.epoch
      })
    {
      offered = base.record
      narrow(to: base, peerCount: offer.countSince)
    }
    awaited = .answer
    // A first step over another scope says nothing here, so this side takes the first step.
    guard greeting.isScoped != isScoped else { return try respond(to: greeting.move) }
    leavesStepAside = greeting.move == .follows
    return try respond(to: leavesStepAside ? .follows : .none)
  }

  private mutating func hear(_ greeting: ReconcileGreeting, isEqual: Bool) throws(WireError) -> [Action] {
    if isEqual { return [.chose(RungChoice(.equalRoots, "both sides hold the same"))] + finish(.inStep) }
    guard canClimb else { return finish(.undecided("one side has no ladder")) }
    if isScoped {
      if greeting.isScoped, let base = greeting.base, let offered, base.tag == secrets.tag(of: offered) {
        peerCount = base.countSince
      } else {
        // The answerer does not know the base: everything is compared, and it has begun with that.
        isScoped = false
        scope = ArrivalScope(after: 0, through: own.head.arrival)
        ownCount = own.head.entryCount
        awaited = .answer
      }
    } else if greeting.isScoped {
      throw WireError(.invalidValue, "a base that nobody offered")
    }
    return try respond(to: greeting.move)
  }

  private var canClimb: Bool { planner.canReconcile && peerCapabilities.contains(.ladder) }

  private mutating func narrow(to base: KnownBase, peerCount: UInt64) {
    isScoped = true
    scope = ArrivalScope(after: base.record.own.arrival, through: own.head.arrival)
    ownCount = base.countSince
    self.peerCount = peerCount
  }

  private func half(of role: Role) -> [UInt8] {
    let count = ReconcileSecrets.rootHalfByteCount
    return Array(role == .opener ? root.prefix(count) : root.suffix(count))
  }

  // MARK: Actions

  /// A first step of this side.
  mutating func open(_ opening: LadderPlanner.Opening) -> [Action] {
    var actions: [Action] = []
    if isScoped, !hasGreeted || role == .answerer {
      actions.append(.chose(RungChoice(.baseScope, "\(ownCount) entries here since both sides were last equal")))
    }
    if let choice = opening.choice { actions.append(.chose(choice)) }
    switch opening {
    case .none:
      awaited = .answer
      return actions + send(.none)
    case .sketch(let syndromeCount):
      let width = planner.estimatorWidth
      let count = Int(clamping: max(ownCount, peerCount))
      return actions
        + begin(.opening(opening)) { pass in
          pass.estimator = DifferenceEstimator(width: width, entryCount: count)
          pass.sketch = syndromeCount > 0 ? PinSketch(capacity: syndromeCount) : nil
        }
    case .askList(let parameter, _): return actions + ask(forList: parameter)
    case .list(let parameter, _):
      let count = Int(clamping: ownCount)
      return actions + begin(.opening(opening)) { $0.list = GolombSet(entryCount: count, parameter: parameter) }
    }
  }

  /// Asks for a pass, or gives up where there were too many.
  mutating func begin(_ purpose: Purpose, fill: (inout ReconcilePass) -> Void) -> [Action] {
    passCount += 1
    guard passCount <= LadderLimits.passCount else { return giveUp(.budget) }
    var pass = ReconcilePass(key: secrets.key(attempt: attempt))
    fill(&pass)
    self.pass = pass
    state = .passing(purpose)
    return [.pass(scope)]
  }

  /// Sends a move, in this side's greeting where that is still due, and goes on waiting or ends.
  mutating func send(_ move: ReconcileMove, _ result: ReconcileResult? = nil) -> [Action] {
    moveCount += 1
    guard moveCount <= LadderLimits.moveCount || result != nil else { return giveUp(.budget) }
    state = .waiting
    let messages = hasGreeted ? Self.messages(of: move) : greet(with: move)
    return messages.map { .send($0) } + (result.map { finish($0) } ?? [])
  }

  private mutating func greet(with move: ReconcileMove) -> [Message] {
    hasGreeted = true
    var base: ReconcileGreeting.Base?
    if isScoped, let offered { base = ReconcileGreeting.Base(tag: secrets.tag(of: offered), countSince: ownCount) }
    let greeting = ReconcileGreeting(
      head: own.head, rootHalf: half(of: role), base: base, isScoped: isScoped, move: move.isLong ? .follows : move)
    let first =
      attempt == 0
      ? Message(Hello(capabilities: planner.capabilities, greeting: greeting))
      : Message(CompareRequest(attempt: attempt, greeting: greeting))
    return [first] + (move.isLong ? Self.messages(of: move) : [])
  }

  /// A long move's parts, and its end.
  private static func messages(of move: ReconcileMove) -> [Message] {
    var message = Message(MoveMessage(move))
    var messages: [Message] = []
    var rest = message.body[...]
    while rest.count > LadderLimits.partByteCount {
      messages.append(Message(MovePart(bytes: Array(rest.prefix(LadderLimits.partByteCount)))))
      rest = rest.dropFirst(LadderLimits.partByteCount)
    }
    message.body = Array(rest)
    return messages + [message]
  }

  mutating func finish(_ result: ReconcileResult) -> [Action] {
    state = .over
    pass = nil
    return [.finished(result)]
  }

  mutating func giveUp(_ reason: ReconcileMove.UndecidedReason) -> [Action] {
    send(.undecided(reason), .undecided("this side left the ladder: \(reason)"))
  }
}

extension Reconciler.Role {
  var other: Self { self == .opener ? .answerer : .opener }
}
