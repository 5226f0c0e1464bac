/// Decides, for one session, when to pull and how, when to tell the peer, and when the two sides are in step. Both
/// sides run one; each pulls what it lacks, at the same time. No IO, no clock: events in, actions out.
public struct SyncCoordinator: Sendable {
  public enum Action: Hashable, Sendable {
    /// Pull like this, and report with ``pullEnded(covered:settled:own:root:)`` or give up the session.
    case pull(PullPlan)
    /// Tell the peer where this side stands.
    case sendState(pulledThrough: UInt64)
    /// Keep this as the cursor of the next session's pull.
    case remember(StoreCursor)
    /// Both sides hold the same entries.
    case inStep
    /// Both sides have all that they could get of each other, and still differ: one refuses what the other holds.
    case settledApart
  }

  /// The rungs that may be used; ``Rung/equalRoots`` and ``Rung/fullScan`` always are.
  private let enabled: Set<Rung>
  private var own: StoreHead
  private var ownRoot: [UInt8]
  private var peer: StateNotice?
  /// How far pulls have come in the peer's present epoch. In the session this moves past what the peer could not give,
  /// so that asking again ends; what is remembered does not.
  private var pulledThrough: StoreCursor?
  /// Everything of the peer was listed in this session: no summary can have hidden anything, and no cursor be wrong.
  public private(set) var isExact = false
  private var running: PullPlan?
  private var attempt: UInt32 = 0
  private var tellWhenPulled = false
  private var ownArrivalTold: UInt64
  private var said: Action?

  static let summaryAttemptLimit: UInt32 = 2
  /// Below this many entries here, listing everything costs less than the summary saves.
  static let smallestSummarySet: UInt64 = 32

  /// - Parameter remembered: The cursor of an earlier session with this peer.
  public init(own: StoreHead, ownRoot: [UInt8], remembered: StoreCursor?, enabled: Set<Rung> = Set(Rung.allCases)) {
    self.own = own
    self.ownRoot = ownRoot
    self.enabled = enabled
    pulledThrough = remembered
    ownArrivalTold = own.arrival
  }

  /// Whether both sides held the same when either last said so.
  public var isInStep: Bool { running == nil && peer?.root == ownRoot }

  public var isPulling: Bool { running != nil }

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

  /// This side's store has changed.
  ///
  /// - Parameter byPull: Everything that changed was pulled from this peer, who knows it.
  public mutating func ownChanged(_ head: StoreHead, root: [UInt8], byPull: Bool) -> [Action] {
    own = head
    ownRoot = root
    let told = byPull || head.arrival == ownArrivalTold ? [] : tell()
    return running == nil ? told + evaluate() : told
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
    own = head
    ownRoot = root
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

  private mutating func tell() -> [Action] {
    ownArrivalTold = own.arrival
    return [.sendState(pulledThrough: pulledThroughArrival)]
  }

  private mutating func evaluate() -> [Action] {
    guard let peer, running == nil else { return [] }
    let cursor = StoreCursor(epoch: peer.epoch, arrival: peer.arrival)
    if peer.entryCount == 0 { pulledThrough = cursor }
    if peer.root == ownRoot {
      pulledThrough = cursor
      return say(.inStep, [.remember(cursor), .inStep])
    }
    if let plan = nextPlan(peer) {
      running = plan
      said = nil
      return [.pull(plan)]
    }
    // Nothing is left to pull here. Whether the other side is done too, it says.
    guard peer.pulledThrough >= own.arrival, peer.wantedCount == 0 else { return [] }
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
        reason: "\(peer.arrival - pulledThrough.arrival) arrivals at the peer since the last time")
    }
    guard peer.entryCount > 0 else { return nil }
    if canSummarize(peer), attempt < Self.summaryAttemptLimit {
      return PullPlan(
        rung: .bloomSummary, since: nil, attempt: attempt,
        reason: "first meeting, with \(own.entryCount) entries here and \(peer.entryCount) there")
    }
    return PullPlan(rung: .fullScan, since: nil, attempt: 0, reason: "first meeting, with little or nothing here")
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
