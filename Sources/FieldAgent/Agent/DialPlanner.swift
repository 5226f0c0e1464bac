import FieldCore

/// Decides whom to dial when, for one transport: one dial at a time, known addresses again and again with growing
/// pauses, and of two sides that see each other the one with the higher announcement first. No IO, no clock.
struct DialPlanner<Instant: InstantProtocol> where Instant.Duration == Duration {
  private struct Candidate {
    var notBefore: Instant
    var failureCount = 0
    var isConnected = false
    /// Given by the user: never forgotten.
    var isFixed: Bool
  }

  private var candidates: [PeerAddress: Candidate] = [:]
  private var dialling: PeerAddress?
  private let ownAnnouncement: [UInt8]

  init(ownAnnouncement: [UInt8], fixed: [PeerAddress], now: Instant) {
    self.ownAnnouncement = ownAnnouncement
    for address in fixed { candidates[address] = Candidate(notBefore: now, isFixed: true) }
  }

  /// - Parameter jitter: Between 0 and 1.
  mutating func sighted(_ sighting: PeerSighting, now: Instant, jitter: Double) {
    switch sighting.change {
    case .vanished:
      if candidates[sighting.address].map({ !$0.isFixed && !$0.isConnected }) ?? false {
        candidates[sighting.address] = nil
      }
    case .appeared:
      guard candidates[sighting.address] == nil, candidates.count < AgentLimits.statusPeerCount else { return }
      // Both sides see each other. One dials at once; the other in case that this does not work.
      let isFirst = sighting.announcement.lexicographicallyPrecedes(ownAnnouncement)
      let wait = isFirst ? Duration.zero : AgentLimits.patience * (1 + jitter / 2)
      candidates[sighting.address] = Candidate(notBefore: now.advanced(by: wait), isFixed: false)
    }
  }

  /// Whom to dial now, or when to ask again; both `nil` when there is nobody to wait for.
  mutating func next(now: Instant) -> (dial: PeerAddress?, wakeAt: Instant?) {
    guard dialling == nil else { return (nil, nil) }
    let waiting = candidates.filter { !$0.value.isConnected }
    guard let (address, candidate) = waiting.min(by: { $0.value.notBefore < $1.value.notBefore }) else {
      return (nil, nil)
    }
    guard candidate.notBefore <= now else { return (nil, candidate.notBefore) }
    dialling = address
    return (address, nil)
  }

  /// The dial has led to a session.
  mutating func connected(_ address: PeerAddress) {
    if dialling == address { dialling = nil }
    candidates[address]?.isConnected = true
    candidates[address]?.failureCount = 0
  }

  /// The dial failed, or the session that it led to has ended.
  ///
  /// - Parameter jitter: Between 0 and 1.
  mutating func ended(_ address: PeerAddress, failed: Bool, now: Instant, jitter: Double) {
    if dialling == address { dialling = nil }
    guard var candidate = candidates[address] else { return }
    candidate.isConnected = false
    candidate.failureCount = failed ? min(candidate.failureCount + 1, 16) : 0
    let pause = min(AgentLimits.firstRetry * (1 << max(0, candidate.failureCount - 1)), AgentLimits.longestRetry)
    candidate.notBefore = now.advanced(by: pause * (0.8 + 0.4 * jitter))
    candidates[address] = candidate
  }
}
