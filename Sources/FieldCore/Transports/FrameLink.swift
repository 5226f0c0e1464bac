import FieldWire

/// Makes a reliable, ordered, back-pressured channel of messages out of a link that carries datagrams of 20 to 1974
/// bytes and may lose, reorder, duplicate or mangle them. ``LinkFrame`` is what goes over the link.
///
/// A state machine without IO, clock or randomness. Every event takes the time (from any fixed origin, never going
/// back) and returns what is to be done now; ``nextDeadline`` says when ``timerFired(now:)`` is wanted.
///
/// - One ``Action/sendFrame(_:)`` is outstanding at a time: the next comes from ``linkReady(now:)``, which the driver
///   calls
///   when the link has taken the frame. So an acknowledgement is as new as it can be, and nothing queues in front of
///   the link.
/// - The initiator sends OPEN and streams when OPEN_ACK is there; the acceptor streams when it has heard a frame after
///   its
///   OPEN_ACK. The initiator names the session; frames of another one are dropped.
/// - Messages are read with ``takeMessage(now:)``. What is not read takes the sender's credit, until it stops.
/// - No input makes it trap or grow: it holds at most the credit it gave, one message being joined, and its send queue.
///
/// What is acknowledged is in the peer's queue, not yet read. ``close(now:)`` waits until all is acknowledged.
public struct FrameLink: Sendable {
  public enum Role: Hashable, Sendable {
    /// - Parameter session: Random, so that frames of an earlier link are told apart.
    case initiator(session: UInt16)
    case acceptor
  }

  public enum Action: Hashable, Sendable {
    case sendFrame([UInt8])
    /// The other end is there: messages flow.
    case opened
    /// The queue of messages was empty and is not.
    case readable
    /// A message that did not fit would do so now.
    case writable
    /// Nothing more will be sent. Messages that arrived can still be taken.
    case ended(FrameLinkEnd)
  }

  private enum State {
    case idle
    /// OPEN (initiator) or OPEN_ACK (acceptor) is repeated until it is answered.
    case opening(deadline: Duration?, nextAttempt: Duration, attemptCount: Int, firstSentAt: Duration?)
    /// The acceptor before OPEN.
    case listening(deadline: Duration?)
    case open
    /// This side has closed and what is queued still goes out.
    case draining(deadline: Duration)
    /// All is acknowledged; CLOSE is repeated until it is answered.
    case closing(nextAttempt: Duration, deadline: Duration)
    /// One last CLOSE, then the end.
    case leaving(LinkCloseReason, FrameLinkEnd, deadline: Duration)
    case ended(FrameLinkEnd)
  }

  private let role: Role
  private let configuration: FrameLinkConfiguration
  private var state: State = .idle
  private var session: UInt16?
  private var protocolVersion = FrameLinkLimits.protocolVersion
  private var linkIsReady = true

  private var outbox = FrameLinkOutbox()
  private var sender: FrameLinkSendWindow
  private var receiver: FrameLinkReceiveWindow
  /// The message that was refused for want of room.
  private var refusedByteCount: Int?
  private var fragmentByteCount: Int

  private var probe: FrameLinkProbe

  private var actions: [Action] = []
  public private(set) var statistics = FrameLinkStatistics()

  /// The largest message that both ends take. Final once the link is open.
  public private(set) var maximumMessageByteCount: Int

  public init(role: Role, configuration: FrameLinkConfiguration) {
    self.role = role
    self.configuration = configuration
    maximumMessageByteCount = configuration.maximumMessageByteCount
    fragmentByteCount = configuration.maximumFrameByteCount - LinkFrame.overheadByteCount
    if case .initiator(let session) = role { self.session = session }
    // The initiator asks first; a second question at the same time says nothing more.
    probe = FrameLinkProbe(
      keepAliveInterval: role == .acceptor
        ? configuration.keepAliveInterval.map { $0 * 3 / 2 } : configuration.keepAliveInterval)
    sender = FrameLinkSendWindow(
      firstSequence: configuration.firstSequence, creditFrameCount: 0, ceilingFrameCount: 1)
    receiver = FrameLinkReceiveWindow(
      firstSequence: 0, capacityFrameCount: configuration.windowFrameCount,
      maximumMessageByteCount: configuration.maximumMessageByteCount)
  }

  // MARK: - What is known

  public var isOpen: Bool {
    if case .open = state { true } else { false }
  }

  public var end: FrameLinkEnd? {
    if case .ended(let end) = state { end } else { nil }
  }

  public var hasMessages: Bool { receiver.hasMessages }
  /// A message was refused for want of room, and ``Action/writable`` is still to come.
  public var hasRefusedMessage: Bool { refusedByteCount != nil }

  public var smoothedRoundTrip: Duration? { sender.smoothedRoundTrip }
  public var windowFrameCount: Int { sender.windowFrameCount }

  /// When ``timerFired(now:)`` has something to do; it may be in the past.
  public var nextDeadline: Duration? {
    switch state {
    case .idle, .ended: nil
    case .listening(let deadline): deadline
    case .opening(let deadline, let nextAttempt, _, _): earliest(deadline, linkIsReady ? nextAttempt : nil)
    case .open: streamDeadline
    case .draining(let deadline): earliest(deadline, streamDeadline)
    case .closing(let nextAttempt, let deadline): linkIsReady ? min(nextAttempt, deadline) : deadline
    case .leaving(_, _, let deadline): deadline
    }
  }

  // MARK: - Events

  /// Starts: sends OPEN, or waits for it.
  public mutating func open(now: Duration) -> [Action] {
    guard case .idle = state else { return [] }
    probe.heard(now: now)
    let deadline = configuration.openDeadline.map { now + $0 }
    switch role {
    case .initiator: state = .opening(deadline: deadline, nextAttempt: now, attemptCount: 0, firstSentAt: nil)
    case .acceptor: state = .listening(deadline: deadline)
    }
    return finish(now)
  }

  /// Queues a message.
  ///
  /// - Returns: `nil` when there is no room: ``Action/writable`` tells when there is.
  /// - Throws: `messageTooLarge`; `unavailable` before the link is open; `closed` once ``close(now:)`` was called; or
  ///   the
  ///   link's end.
  public mutating func send(_ message: [UInt8], now: Duration) throws(TransportError) -> [Action]? {
    switch state {
    case .open: break
    case .idle, .listening, .opening: throw TransportError(.unavailable, "the link is not open yet")
    case .draining, .closing: throw FrameLinkEnd.closed.transportError
    case .leaving(_, let end, _), .ended(let end): throw end.transportError
    }
    guard message.count <= maximumMessageByteCount else {
      throw TransportError(.messageTooLarge, "\(message.count) bytes, and the link takes \(maximumMessageByteCount)")
    }
    guard outbox.hasRoom(for: message.count, limit: configuration.sendQueueByteCount) else {
      refusedByteCount = message.count
      return nil
    }
    outbox.append(message)
    statistics.sentMessageCount += 1
    return finish(now)
  }

  /// The next message of the peer.
  public mutating func takeMessage(now: Duration) -> (message: [UInt8], actions: [Action])? {
    guard let message = receiver.takeMessage() else { return nil }
    statistics.receivedMessageCount += 1
    return (message, finish(now))
  }

  /// The link has taken the last frame.
  public mutating func linkReady(now: Duration) -> [Action] {
    linkIsReady = true
    return finish(now)
  }

  /// A datagram came in.
  public mutating func received(_ bytes: [UInt8], now: Duration) -> [Action] {
    guard let frame = try? LinkFrame(decoding: bytes) else {
      statistics.malformedFrameCount += 1
      return finish(now)
    }
    guard accept(frame, now: now) else {
      statistics.strayFrameCount += 1
      return finish(now)
    }
    return finish(now)
  }

  public mutating func timerFired(now: Duration) -> [Action] {
    switch state {
    case .idle, .ended: break
    case .listening(let deadline), .opening(let deadline, _, _, _):
      if let deadline, now >= deadline { finish(with: .openTimedOut) }
    case .open:
      streamTimerFired(now)
    case .draining(let deadline):
      if now >= deadline { leave(.abandoned, .abandoned, now) } else { streamTimerFired(now) }
    case .closing(_, let deadline):
      if now >= deadline { finish(with: .closed) }
    case .leaving(_, let end, let deadline):
      if now >= deadline { finish(with: end) }
    }
    return finish(now)
  }

  /// Ends the link in order: what is queued goes out first, for at most ``FrameLinkLimits/drainDeadline``.
  public mutating func close(now: Duration) -> [Action] {
    switch state {
    case .idle, .listening: finish(with: .closed)
    case .opening: leave(.abandoned, .closed, now)
    case .open: state = .draining(deadline: now + FrameLinkLimits.drainDeadline)
    case .draining, .closing, .leaving, .ended: break
    }
    return finish(now)
  }

  /// Ends the link now, with a word to the peer if the link takes it.
  public mutating func abandon(now: Duration) -> [Action] {
    switch state {
    case .idle, .listening: finish(with: .abandoned)
    case .opening, .open, .draining, .closing: leave(.abandoned, .abandoned, now)
    case .leaving, .ended: break
    }
    return finish(now)
  }

  /// The link below is gone.
  public mutating func linkFailed(now: Duration) -> [Action] {
    switch state {
    case .leaving(_, let end, _): finish(with: end)
    case .closing: finish(with: .closed)
    default: finish(with: .linkLost)
    }
    return finish(now)
  }

  // MARK: - Frames that come in

  private mutating func accept(_ frame: LinkFrame, now: Duration) -> Bool {
    guard frame.stream == 0 else { return false }
    if case .open(let parameters) = frame.body { return acceptOpen(frame, parameters, now) }
    guard frame.session == session else { return false }
    switch (state, frame.body) {
    case (.opening(_, _, let attemptCount, let firstSentAt), .openAcknowledgement(let parameters))
    where role != .acceptor:
      probe.heard(now: now)
      start(parameters, firstSequence: frame.sequence, sentAt: attemptCount == 1 ? firstSentAt : nil, now)
      receiver.requestAcknowledgement()
    case (.open, .openAcknowledgement) where role != .acceptor,
      (.draining, .openAcknowledgement) where role != .acceptor:
      probe.heard(now: now)
      receiver.requestAcknowledgement()
    case (.opening(_, _, let attemptCount, let firstSentAt), .data) where role == .acceptor,
      (.opening(_, _, let attemptCount, let firstSentAt), .acknowledgement) where role == .acceptor:
      if attemptCount == 1, let firstSentAt { sender.addRoundTrip(now - firstSentAt) }
      state = .open
      actions.append(.opened)
      acceptStream(frame, now)
    case (.open, .data), (.open, .acknowledgement), (.draining, .data), (.draining, .acknowledgement):
      acceptStream(frame, now)
    case (.opening, .close(let reason)), (.open, .close(let reason)), (.draining, .close(let reason)):
      probe.heard(now: now)
      acceptClose(reason, sequence: frame.sequence, now)
    case (.closing, .close):
      finish(with: .closed)
    case (.closing, .data), (.closing, .acknowledgement):
      break
    default:
      return false
    }
    statistics.receivedFrameCount += 1
    return true
  }

  private mutating func acceptOpen(_ frame: LinkFrame, _ parameters: LinkParameters, _ now: Duration) -> Bool {
    guard role == .acceptor else { return false }
    switch state {
    case .listening:
      session = frame.session
      probe.heard(now: now)
      guard parameters.protocolVersion >= 1 else {
        leave(.unsupportedVersion, .protocolViolation(.badParameters), now)
        return true
      }
      state = .opening(
        deadline: now + FrameLinkLimits.openDeadline, nextAttempt: now, attemptCount: 0, firstSentAt: nil)
      prepare(parameters, firstSequence: frame.sequence, now)
    case .opening(let deadline, _, let attemptCount, let firstSentAt) where frame.session == session:
      probe.heard(now: now)
      state = .opening(deadline: deadline, nextAttempt: now, attemptCount: attemptCount, firstSentAt: firstSentAt)
    case .opening, .open, .draining, .closing:
      guard frame.session != session, now >= probe.heardAt + FrameLinkLimits.supersedeDelay else { return false }
      finish(with: .superseded)
    case .idle, .leaving, .ended:
      return false
    }
    statistics.receivedFrameCount += 1
    return true
  }

  /// The initiator has its answer.
  private mutating func start(_ parameters: LinkParameters, firstSequence: UInt16, sentAt: Duration?, _ now: Duration) {
    guard (1...FrameLinkLimits.protocolVersion).contains(parameters.protocolVersion) else {
      leave(.unsupportedVersion, .protocolViolation(.badParameters), now)
      return
    }
    state = .open
    prepare(parameters, firstSequence: firstSequence, now)
    guard isOpen else { return }
    if let sentAt { sender.addRoundTrip(now - sentAt) }
    actions.append(.opened)
  }

  private mutating func prepare(_ parameters: LinkParameters, firstSequence: UInt16, _ now: Duration) {
    guard Int(parameters.maximumFrameByteCount) >= LinkFrame.smallestLinkByteCount, parameters.windowFrameCount > 0,
      parameters.maximumMessageByteCount > 0
    else {
      leave(.protocolViolation, .protocolViolation(.badParameters), now)
      return
    }
    protocolVersion = min(protocolVersion, parameters.protocolVersion)
    let frameByteCount = min(configuration.maximumFrameByteCount, Int(parameters.maximumFrameByteCount))
    fragmentByteCount = frameByteCount - LinkFrame.overheadByteCount
    maximumMessageByteCount = min(maximumMessageByteCount, Int(parameters.maximumMessageByteCount))
    sender = FrameLinkSendWindow(
      firstSequence: configuration.firstSequence, creditFrameCount: Int(parameters.windowFrameCount),
      ceilingFrameCount: configuration.sendWindowFrameCount)
    receiver = FrameLinkReceiveWindow(
      firstSequence: firstSequence, capacityFrameCount: configuration.windowFrameCount,
      maximumMessageByteCount: configuration.maximumMessageByteCount)
  }

  private mutating func acceptStream(_ frame: LinkFrame, _ now: Duration) {
    probe.heard(now: now)
    switch frame.body {
    case .data(let body):
      let hadMessages = receiver.hasMessages
      do throws(FrameLinkEnd.Violation) {
        switch try receiver.receive(sequence: frame.sequence, flags: frame.flags, body: body, now: now) {
        case .new: break
        case .duplicate: statistics.duplicateFrameCount += 1
        case .outsideWindow: statistics.strayFrameCount += 1
        }
      } catch {
        leave(.protocolViolation, .protocolViolation(error), now)
      }
      statistics.largestQueuedFrameCount = max(statistics.largestQueuedFrameCount, receiver.queuedFrameCount)
      if !hadMessages, receiver.hasMessages { actions.append(.readable) }
    case .acknowledgement(let acknowledgement):
      probe.acknowledged(now: now)
      if frame.flags.contains(.acknowledgementRequest) { receiver.requestAcknowledgement() }
      if !sender.acknowledge(upTo: frame.sequence, acknowledgement, now: now) { statistics.strayFrameCount += 1 }
    default: break
    }
  }

  private mutating func acceptClose(_ reason: LinkCloseReason, sequence: UInt16, _ now: Duration) {
    guard reason == .normal else {
      finish(with: .failedByPeer(reason))
      return
    }
    if sequence == receiver.next {
      leave(outbox.isEmpty && sender.isEmpty ? .normal : .abandoned, .closedByPeer, now)
    } else {
      leave(.protocolViolation, .protocolViolation(.closedWithDataMissing), now)
    }
  }

  // MARK: - Time

  private var streamDeadline: Duration? {
    [
      receiver.owesAcknowledgement ? nil : receiver.acknowledgementDeadline, sender.timeoutDeadline,
      sender.overtakenDeadline, sender.progressDeadline, probe.deadline(isBlocked: isBlocked), probe.answerDeadline,
    ].reduce(nil, earliest)
  }

  /// There is something to send, nothing under way, and no credit.
  private var isBlocked: Bool { !outbox.isEmpty && sender.isEmpty && !sender.hasCredit }

  private mutating func streamTimerFired(_ now: Duration) {
    if let deadline = earliest(sender.progressDeadline, probe.answerDeadline), now >= deadline {
      return leave(.abandoned, .notAnswering, now)
    }
    receiver.timerFired(now: now)
    if sender.timerFired(now: now) {
      statistics.retransmissionTimeoutCount += 1
      probe.request()
    }
    probe.timerFired(now: now, isBlocked: isBlocked)
  }

  // MARK: - Frames that go out

  private mutating func finish(_ now: Duration) -> [Action] {
    if linkIsReady, let frame = nextFrame(now) {
      linkIsReady = false
      let bytes = frame.encoded()
      statistics.sentFrameCount += 1
      statistics.sentByteCount += bytes.count
      // In front of an end that was reached by sending it.
      if case .ended? = actions.last {
        actions.insert(.sendFrame(bytes), at: actions.count - 1)
      } else {
        actions.append(.sendFrame(bytes))
      }
    }
    if let byteCount = refusedByteCount, outbox.hasRoom(for: byteCount, limit: configuration.sendQueueByteCount) {
      refusedByteCount = nil
      actions.append(.writable)
    }
    defer { actions = [] }
    return actions
  }

  private mutating func nextFrame(_ now: Duration) -> LinkFrame? {
    switch state {
    case .idle, .listening, .ended:
      return nil
    case .opening(let deadline, let nextAttempt, let attemptCount, let firstSentAt):
      guard now >= nextAttempt else { return nil }
      state = .opening(
        deadline: deadline, nextAttempt: now + FrameLinkLimits.openInterval, attemptCount: attemptCount + 1,
        firstSentAt: firstSentAt ?? now)
      var parameters = configuration.parameters
      parameters.protocolVersion = protocolVersion
      return frame(
        configuration.firstSequence, attemptCount > 0 ? .retransmission : [],
        role == .acceptor ? .openAcknowledgement(parameters) : .open(parameters))
    case .open:
      return nextStreamFrame(now)
    case .draining:
      if let frame = nextStreamFrame(now) { return frame }
      guard outbox.isEmpty, sender.isEmpty else { return nil }
      state = .closing(nextAttempt: now, deadline: now + FrameLinkLimits.leaveDeadline)
      return nextFrame(now)
    case .closing(let nextAttempt, let deadline):
      guard now >= nextAttempt else { return nil }
      state = .closing(nextAttempt: now + FrameLinkLimits.closeInterval, deadline: deadline)
      return frame(sender.nextSequence, [], .close(.normal))
    case .leaving(let reason, let end, _):
      finish(with: end)
      return frame(sender.nextSequence, [], .close(reason))
    }
  }

  private mutating func nextStreamFrame(_ now: Duration) -> LinkFrame? {
    if receiver.owesAcknowledgement || probe.isOwed {
      let (sequence, acknowledgement) = receiver.takeAcknowledgement()
      let flags: LinkFrame.Flags = probe.take(now: now) ? .acknowledgementRequest : []
      statistics.acknowledgementFrameCount += 1
      return frame(sequence, flags, .acknowledgement(acknowledgement))
    }
    if let resend = sender.nextResend(now: now) {
      statistics.dataFrameCount += 1
      statistics.resentFrameCount += 1
      return frame(resend.sequence, resend.flags, .data(resend.body))
    }
    guard sender.mayAppend, let fragment = outbox.nextFragment(limit: fragmentByteCount) else { return nil }
    let (sequence, flags) = sender.append(fragment.bytes, flags: fragment.flags, now: now)
    statistics.dataFrameCount += 1
    statistics.streamedByteCount += fragment.bytes.count
    return frame(sequence, flags, .data(fragment.bytes))
  }

  private func frame(_ sequence: UInt16, _ flags: LinkFrame.Flags, _ body: LinkFrame.Body) -> LinkFrame {
    LinkFrame(session: session ?? 0, sequence: sequence, flags: flags, body: body)
  }

  private mutating func leave(_ reason: LinkCloseReason, _ end: FrameLinkEnd, _ now: Duration) {
    state = .leaving(reason, end, deadline: now + FrameLinkLimits.leaveDeadline)
  }

  private mutating func finish(with end: FrameLinkEnd) {
    guard self.end == nil else { return }
    state = .ended(end)
    outbox = FrameLinkOutbox()
    refusedByteCount = nil
    actions.append(.ended(end))
  }

  private func earliest(_ left: Duration?, _ right: Duration?) -> Duration? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
  }
}
