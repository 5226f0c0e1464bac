/// Decides, for one session, when to reconcile or pull and how, when to tell the peer, and when the two sides are in
/// step. Both sides run one. A session begins with the ladder (``Reconciler``), after which each side sends what the
/// other lacks; what the ladder does not settle each side pulls, and so what changes later. No IO, no clock: events in,
/// actions out.
public struct SyncCoordinator: Sendable {
  public enum Action: Hashable, Sendable {
    /// Pull like this, and report with ``pullEnded(covered:settled:own:root:)`` or give up the session.
    case pull(PullPlan)
    /// Begin another reconciliation, under a new key, and report with ``ladderEnded(_:own:root:)``.
    case reconcile(attempt: UInt32)
    /// Tell the peer where this side stands.
    case sendState
    /// Keep this as the cursor of the next session's pull.
    case remember(StoreCursor)
    /// Both sides hold this set: keep it as a base of later sessions.
    case rememberBase(BaseRecord)
    /// Both sides hold the same entries.
    case inStep
    /// Both sides have all that they could get of each other, and still differ: one refuses what the other holds.
    case settledApart
  }

  /// The rungs that may be used; ``Rung/equalRoots`` and ``Rung/fullScan`` always are.
  private let enabled: Set<Rung>
  private var own: StoreHead
  /// The root of this side's newest head that is known here.
  public private(set) var ownRoot: [UInt8]
  private var peer: StateNotice?
  /// How far pulls have come in the peer's present epoch. In the session this moves past what the peer could not give,
  /// so that asking again ends; what is remembered does not.
  private var pulledThrough: StoreCursor?
  /// Everything of the peer was listed in this session, or compared a second time: no summary can have hidden anything,
  /// and no cursor be wrong.
  public private(set) var isExact = false
  private var running: PullPlan?
  /// Large payloads of this peer are still to come: until they are here, nothing follows from roots that differ.
  public var isFetchingContents = false
  private var attempt: UInt32 = 0
  private var tellWhenPulled = false
  private var ownArrivalTold: UInt64
  private var rootTold: [UInt8]?
  private var said: Action?
  /// Only who opened the session begins a reconciliation.
  private let opensLadder: Bool
  private var isClimbing = false
  /// The session's first reconciliation has begun. What the peer says before is part of what that finds.
  private var hasClimbed = false
  private var ladderAttempt: UInt32 = 0
  private var lastBase: [UInt8]?
  /// The peer has a ladder, too.
  private var canClimb = false

  static let summaryAttemptLimit: UInt32 = 2
  /// Below this many entries here, listing everything costs less than the summary saves.
  static let smallestSummarySet: UInt64 = 32

  /// - Parameter remembered: The cursor of an earlier session with this peer.
  public init(
    own: StoreHead, ownRoot: [UInt8], remembered: StoreCursor?, opensLadder: Bool = false,
    enabled: Set<Rung> = Set(Rung.allCases)
  ) {
    self.opensLadder = opensLadder
    self.own = own
    self.ownRoot = ownRoot
    self.enabled = enabled
    pulledThrough = remembered
    ownArrivalTold = own.arrival
  }

  /// Whether both sides held the same when either last said so.
  public var isInStep: Bool { !isPulling && peer?.root == ownRoot }

  public var isPulling: Bool { running != nil || isClimbing }

  /// What this side has settled of the peer's store, in the terms of a ``StateNotice``.
  public var pulledThroughArrival: UInt64 {
    guard let peer, let pulledThrough, pulledThrough.epoch == peer.epoch else { return 0 }
    return pulledThrough.arrival
  }

  /// The peer said where it stands.
  public mutating func peerState(_ state: StateNotice) -> [Action] {
    if let peer, peer.epoch != state.epoch {
      pulledThrough = nil
      isExact = false
    }
    peer = state
    if pulledThrough?.epoch != state.epoch { pulledThrough = nil }
    return evaluate()
  }

  /// How a climb ended.
  public enum LadderEnd: Hashable, Sendable {
    /// The roots were equal.
    case inStep
    /// Everything was exchanged; with `isSettled`, nothing of it is missing or may still be let in.
    case exchanged(isSettled: Bool)
    case undecided
  }

  /// A reconciliation has begun, and the peer has said where it stands.
  public mutating func ladderBegan(_ state: StateNotice, attempt: UInt32) {
    isClimbing = true
    hasClimbed = true
    canClimb = true
    ladderAttempt = attempt
    said = nil
    _ = peerState(state)
  }

  /// It is over, and so is the exchange of entries that follows.
  ///
  /// - Parameter peer: The peer's place when it began.
  public mutating func ladderEnded(
    _ end: LadderEnd, peer cursor: StoreCursor, own head: StoreHead, root: [UInt8]
  ) -> [Action] {
    isClimbing = false
    // What came meanwhile is of no matter to what was found to be equal.
    let newest = own.arrival > head.arrival ? (own, ownRoot) : (head, root)
    own = head
    ownRoot = root
    defer { (own, ownRoot) = newest }
    guard cursor.epoch == peer?.epoch else { return evaluate() }
    switch end {
    case .inStep:
      guard peer?.arrival == cursor.arrival else {
        // The peer has said since that there is more.
        pulledThrough = cursor
        (own, ownRoot) = newest
        return evaluate()
      }
      peer?.root = root
      rootTold = root
      return evaluate()
    case .undecided:
      canClimb = false
      return evaluate()
    case .exchanged(let isSettled):
      pulledThrough = cursor
      // What still differs was refused, and no listing would show more; a collision would show under the next session's
      // key.
      if isSettled, ladderAttempt > 0 { isExact = true }
      return (isSettled ? [.remember(cursor)] : []) + tell() + evaluate()
    }
  }

  /// The peer took back the reconciliation that it had begun, and will begin another.
  public mutating func ladderGivenUp() {
    isClimbing = false
    hasClimbed = ladderAttempt > 0
  }

  /// The peer did not answer the reconciliation that this side began.
  public mutating func ladderAbandoned(own head: StoreHead, root: [UInt8]) -> [Action] {
    isClimbing = false
    canClimb = false
    know(head, root)
    return evaluate()
  }

  /// This side's store has changed.
  ///
  /// - Parameter byPull: Everything that changed was pulled from this peer, who knows it.
  public mutating func ownChanged(_ head: StoreHead, root: [UInt8], byPull: Bool) -> [Action] {
    know(head, root)
    let told = byPull || head.arrival == ownArrivalTold ? [] : tell()
    return isPulling ? told : told + evaluate()
  }

  /// A pull has come to its end.
  ///
  /// - Parameters:
  ///   - covered: Up to where it read the peer's order of arrival.
  ///   - settled: Up to where nothing is missing, if anything is settled.
  public mutating func pullEnded(
    covered: StoreCursor?, settled: StoreCursor?, own head: StoreHead, root: [UInt8]
  )
    -> [Action]
  {
    guard let plan = running else { return [] }
    running = nil
    know(head, root)
    if let covered, covered.epoch == peer?.epoch { pulledThrough = covered }
    if plan.rung == .fullScan { isExact = true }
    var actions: [Action] = []
    if plan.rung == .bloomSummary {
      attempt += 1
    } else if let settled {
      actions.append(.remember(settled))  // what a summary hid is not settled
    }
    return actions + tell() + evaluate()
  }

  /// All large payloads that pulls left for later have come, or will not.
  ///
  /// - Parameter settled: What the next session may begin behind, if that has changed.
  public mutating func contentsEnded(settled: StoreCursor?, own head: StoreHead, root: [UInt8]) -> [Action] {
    isFetchingContents = false
    know(head, root)
    return (settled.map { [.remember($0)] } ?? []) + tell() + evaluate()
  }

  /// The session is over, whatever was still going on. A peer that is in step leaves without asking.
  ///
  /// - Returns: What follows if both sides held the same in the end; else nothing.
  public mutating func sessionEnded(own head: StoreHead, root: [UInt8]) -> [Action] {
    running = nil
    isClimbing = false
    know(head, root)
    return isInStep ? evaluate() : []
  }

  /// Whoever reads the store's head may come here later than who read a newer one.
  private mutating func know(_ head: StoreHead, _ root: [UInt8]) {
    guard head.epoch != own.epoch || head.arrival >= own.arrival else { return }
    own = head
    ownRoot = root
  }

  private mutating func tell() -> [Action] {
    ownArrivalTold = own.arrival
    rootTold = ownRoot
    return [.sendState]
  }

  private mutating func evaluate() -> [Action] {
    guard let peer, hasClimbed, !isPulling else { return [] }
    let cursor = StoreCursor(epoch: peer.epoch, arrival: peer.arrival)
    if peer.entryCount == 0 { pulledThrough = cursor }
    if peer.root == ownRoot {
      pulledThrough = cursor
      // An empty set is no base worth keeping.
      let isNew = lastBase != own.digest && own.entryCount > 0
      lastBase = own.digest
      let base: [Action] = isNew ? [.rememberBase(BaseRecord(head: own, peer: cursor))] : []
      // Whoever leaves once it is in step has told the other first.
      let news = rootTold == ownRoot ? [] : tell()
      return base + say(.inStep, news + [.remember(cursor), .inStep])
    }
    if let plan = nextPlan(peer) {
      running = plan
      said = nil
      return [.pull(plan)]
    }
    // Nothing is left to pull here. Whether the other side is done too, it says.
    guard peer.pulledThrough >= own.arrival, peer.wantedCount == 0, !isFetchingContents else { return [] }
    // Short ids may have collided, or the store changed meanwhile: once more, under another key.
    if !enabled.isDisjoint(with: Rung.finding), canClimb, ladderAttempt + 1 < LadderLimits.attemptCount {
      guard opensLadder else { return [] }
      isClimbing = true
      return [.reconcile(attempt: ladderAttempt + 1)]
    }
    // Who has fewer entries is missing some, so that side looks again first.
    if !isExact, own.entryCount <= peer.entryCount || peer.isExact {
      let plan = PullPlan(
        rung: attempt > 0 && attempt < Self.summaryAttemptLimit && canSummarize(peer) ? .bloomSummary : .fullScan,
        since: nil, attempt: attempt, reason: "both sides have pulled and their roots still differ")
      running = plan
      said = nil
      return [.pull(plan)]
    }
    guard isExact, peer.isExact else { return [] }
    return say(.settledApart, [.settledApart])
  }

  private func nextPlan(_ peer: StateNotice) -> PullPlan? {
    if let pulledThrough, pulledThrough.epoch == peer.epoch {
      guard peer.arrival > pulledThrough.arrival else { return nil }
      return PullPlan(
        rung: enabled.contains(.cursorScan) ? .cursorScan : .fullScan,
        since: enabled.contains(.cursorScan) ? pulledThrough : nil, attempt: 0,
        reason: "\(peer.arrival - pulledThrough.arrival) arrivals at the peer since the last time",
        expectedCount: peer.arrival - pulledThrough.arrival)
    }
    guard peer.entryCount > 0 else { return nil }
    if canSummarize(peer), attempt < Self.summaryAttemptLimit {
      return PullPlan(
        rung: .bloomSummary, since: nil, attempt: attempt,
        reason: "\(own.entryCount) entries here and \(peer.entryCount) there", expectedCount: missingCount(peer))
    }
    return PullPlan(
      rung: .fullScan, since: nil, attempt: 0, reason: "nothing else is left, or little is here",
      expectedCount: missingCount(peer))
  }

  /// At least so many entries are missing here.
  private func missingCount(_ peer: StateNotice) -> UInt64 {
    peer.entryCount > own.entryCount ? peer.entryCount - own.entryCount : 0
  }

  private func canSummarize(_ peer: StateNotice) -> Bool {
    enabled.contains(.bloomSummary) && own.entryCount >= Self.smallestSummarySet
      && peer.entryCount >= Self.smallestSummarySet
  }

  /// Says a thing once, until something else was to be said.
  private mutating func say(_ action: Action, _ actions: [Action]) -> [Action] {
    guard said != action else { return [] }
    said = action
    return actions
  }
}
