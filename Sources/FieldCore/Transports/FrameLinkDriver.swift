/// Runs a ``FrameLink`` over a ``DatagramLink``: one task that sends, one that receives, and a timer. They end when the
/// machine does, at the latest ``FrameLinkLimits/leaveDeadline`` after it.
final class FrameLinkDriver: Sendable {
  private struct State: Sendable {
    var machine: FrameLink
    var isClosing = false
    var isShutDown = false
    var hasReportedEnd = false
    var timer: Task<Void, Never>?
    var timerAt: Duration?

    var isOver: Bool { isClosing || machine.end != nil }
  }

  private let state: Monitor<State>
  private let link: any DatagramLink
  private let clock: FrameLinkClock
  private let frames: AsyncStream<[UInt8]>
  private let frameQueue: AsyncStream<[UInt8]>.Continuation

  init(machine: FrameLink, link: any DatagramLink, clock: FrameLinkClock) {
    state = Monitor(State(machine: machine))
    self.link = link
    self.clock = clock
    // The machine has one frame outstanding at a time.
    (frames, frameQueue) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .unbounded)
  }

  var maximumMessageByteCount: Int { state.withLock { $0.machine.maximumMessageByteCount } }
  var statistics: FrameLinkStatistics { state.withLock { $0.machine.statistics } }
  var smoothedRoundTrip: Duration? { state.withLock { $0.machine.smoothedRoundTrip } }

  /// Returns when the other end is there.
  func open() async throws(TransportError) {
    Task { await sendFrames() }
    Task { await receiveFrames() }
    handle { $0.open(now: $1) }
    await state.wait { $0.machine.isOpen || $0.machine.end != nil }
    if let end = state.withLock({ $0.machine.end }) { throw end.transportError }
    guard !Task.isCancelled else {
      abandon()
      throw TransportError(.closed, "the task was cancelled")
    }
  }

  func send(_ message: [UInt8]) async throws(TransportError) {
    while true {
      guard !Task.isCancelled else { throw TransportError(.closed, "the task was cancelled") }
      let result = state.withLock { state -> Result<Bool, TransportError> in
        do throws(TransportError) {
          guard let actions = try state.machine.send(message, now: clock.now()) else { return .success(false) }
          perform(actions, &state)
          return .success(true)
        } catch {
          return .failure(error)
        }
      }
      if try result.get() { return }
      await state.wait { !$0.machine.hasRefusedMessage || $0.isOver }
    }
  }

  func receive() async throws(TransportError) -> [UInt8]? {
    while true {
      let result = state.withLock { state -> Result<[UInt8]?, TransportError>? in
        guard !state.isClosing else { return .failure(FrameLinkEnd.closed.transportError) }
        if let (message, actions) = state.machine.takeMessage(now: clock.now()) {
          perform(actions, &state)
          return .success(message)
        }
        guard let end = state.machine.end else { return nil }
        guard end == .closedByPeer, !state.hasReportedEnd else { return .failure(end.transportError) }
        state.hasReportedEnd = true
        return .success(nil)
      }
      if let result { return try result.get() }
      guard !Task.isCancelled else { throw TransportError(.closed, "the task was cancelled") }
      await state.wait { $0.machine.hasMessages || $0.isOver }
    }
  }

  /// Returns when everything is down. A cancelled task does not wait for the peer.
  func close() async {
    state.withLock { state in
      state.isClosing = true
      perform(state.machine.close(now: clock.now()), &state)
    }
    await state.wait { $0.isShutDown }
    guard Task.isCancelled else { return }
    abandon()
  }

  func abandon() {
    handle { $0.abandon(now: $1) }
  }

  // MARK: - Tasks

  private func sendFrames() async {
    for await frame in frames {
      do throws(TransportError) {
        try await link.send(frame)
        handle { $0.linkReady(now: $1) }
      } catch {
        handle { $0.linkFailed(now: $1) }
      }
    }
    await shutDown()
  }

  private func receiveFrames() async {
    while let frame = try? await link.receive() { handle { $0.received(frame, now: $1) } }
    handle { $0.linkFailed(now: $1) }
  }

  private func shutDown() async {
    await link.close()
    state.withLock { state in
      state.timer?.cancel()
      state.timer = nil
      state.isShutDown = true
    }
  }

  // MARK: - The machine

  private func handle(_ event: (inout FrameLink, Duration) -> [FrameLink.Action]) {
    state.withLock { perform(event(&$0.machine, clock.now()), &$0) }
  }

  private func perform(_ actions: [FrameLink.Action], _ state: inout State) {
    for action in actions {
      switch action {
      case .sendFrame(let frame): frameQueue.yield(frame)
      case .opened, .readable, .writable: break  // The monitor wakes whoever waits for it.
      case .ended:
        frameQueue.finish()
        state.timer?.cancel()
        // A link that does not take the last frame is not waited for.
        startTimer(at: clock.now() + FrameLinkLimits.leaveDeadline, &state) { await $0.shutDown() }
        return
      }
    }
    arm(&state)
  }

  /// A timer that fires early looks again; so it is only replaced when the deadline moves forward.
  private func arm(_ state: inout State) {
    guard let deadline = state.machine.nextDeadline else { return }
    if let timerAt = state.timerAt, timerAt <= deadline { return }
    state.timer?.cancel()
    startTimer(at: deadline, &state) { driver in
      driver.state.withLock { state in
        guard state.timerAt == deadline else { return }
        state.timerAt = nil
        let now = driver.clock.now()
        if let due = state.machine.nextDeadline, due <= now {
          driver.perform(state.machine.timerFired(now: now), &state)
        } else {
          driver.arm(&state)
        }
      }
    }
  }

  private func startTimer(
    at deadline: Duration, _ state: inout State, _ body: @escaping @Sendable (FrameLinkDriver) async -> Void
  ) {
    state.timerAt = deadline
    state.timer = Task { [clock] in
      guard (try? await clock.sleepUntil(deadline)) != nil else { return }
      await body(self)
    }
  }
}
