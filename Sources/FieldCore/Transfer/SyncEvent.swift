/// What a sync tells its owner while it runs.
public enum SyncEvent: Sendable {
  /// The peer is a member; the two sides compare now.
  case connected(peer: DeviceKey, transport: TransportKind)
  /// The next step of the reconciliation, and why.
  case chose(RungChoice)
  /// The reconciliation is over; entries flow next.
  case reconciled(ReconcileReport)
  case pulling(PullPlan)
  case progress(SyncProgress)
  case pulled(PullReport)
  case inStep
  case settledApart
  /// Why the peer did not take entries of this side's.
  case refusedByPeer([RefusalsNotice.Item])
  /// Where else the peer can be reached. It may be wrong.
  case addresses([PeerAddress])
}

/// How far a sync is. What is left is an upper bound until the peer has listed everything.
public struct SyncProgress: Hashable, Sendable {
  /// Entries and bytes that came in this session.
  public var receivedCount = 0
  public var receivedByteCount = 0
  public var refusedCount = 0
  /// Entries that came although they were there.
  public var duplicateCount = 0
  /// Entries that went out to the peer, and the bytes of all that carried entries or parts of them.
  public var sentCount = 0
  public var sentByteCount = 0
  /// Entries that may still have to come.
  public var wantedCount: UInt64 = 0
  /// Entries that the peer may still have to fetch from here.
  public var offeredCount: UInt64 = 0

  public init() {}
}

/// How a sync ended.
public struct SyncOutcome: Sendable {
  public var isInStep = false
  /// Both sides have what they could get, and differ.
  public var isSettledApart = false
  public var progress = SyncProgress()
  public var refusals: [EntryError.Code: Int] = [:]
  /// What the peer did not take.
  public var refusedByPeer: [RefusalsNotice.Item] = []
  public var missingCount = 0
  public var traffic = SessionTraffic()
  /// Why the session ended.
  public var end: SessionError

  init(end: SessionError) {
    self.end = end
  }
}
