/// When a ``FrameLink`` asks its peer for an ACK that nothing else brings: when the peer gives no credit (the ACK that
/// gives it may be lost), and when it has long been silent.
struct FrameLinkProbe: Sendable {
  private let keepAliveInterval: Duration?
  private(set) var heardAt: Duration = .zero
  private var acknowledgedAt: Duration = .zero
  private var sentAt: Duration?
  /// The first probe since anything was heard.
  private var silentSince: Duration?
  private(set) var isOwed = false

  init(keepAliveInterval: Duration?) {
    self.keepAliveInterval = keepAliveInterval
  }

  mutating func heard(now: Duration) {
    heardAt = now
    silentSince = nil
  }

  mutating func acknowledged(now: Duration) { acknowledgedAt = now }

  mutating func request() { isOwed = true }

  /// - Returns: Whether the ACK that goes out now is to be a probe.
  mutating func take(now: Duration) -> Bool {
    defer { isOwed = false }
    if isOwed { sentAt = now }
    return isOwed
  }

  /// When the next probe is due.
  func deadline(isBlocked: Bool) -> Duration? {
    guard !isOwed else { return nil }
    let repeated = sentAt.map { $0 + FrameLinkLimits.probeInterval }
    let forLife = keepAliveInterval.map { silentSince == nil ? heardAt + $0 : repeated ?? heardAt + $0 }
    guard isBlocked else { return forLife }
    let forCredit = max(acknowledgedAt + FrameLinkLimits.probeInterval, repeated ?? .zero)
    return min(forCredit, forLife ?? forCredit)
  }

  /// When the peer counts as gone unless it is heard.
  var answerDeadline: Duration? { silentSince.map { $0 + FrameLinkLimits.progressDeadline } }

  mutating func timerFired(now: Duration, isBlocked: Bool) {
    guard let deadline = deadline(isBlocked: isBlocked), now >= deadline else { return }
    isOwed = true
    silentSince = silentSince ?? now
  }
}
