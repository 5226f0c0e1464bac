import FieldCore
import FieldTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FrameLinkConnectionTests {
  private struct Ends {
    let initiator: FrameLinkConnection
    let acceptor: FrameLinkConnection
    let link: SimulatedLink
  }

  /// Both ends of a connection over a simulated link.
  private func open(
    profile: SimulatedLinkProfile = SimulatedLinkProfile(delay: .milliseconds(10)), clock: VirtualClock
  ) async throws -> Ends {
    let (near, far) = SimulatedLink.pair(seed: 1, forth: profile, clock: clock)
    let configuration = FrameLinkConfiguration(maximumFrameByteCount: 1974)
    async let acceptor = FrameLinkConnection.open(
      .acceptor, over: far, configuration: configuration, kind: .simulated, peerDescription: "initiator", clock: clock)
    let initiator = try await FrameLinkConnection.open(
      .initiator(session: 7), over: near, configuration: configuration, kind: .simulated, peerDescription: "acceptor",
      clock: clock)
    return Ends(initiator: initiator, acceptor: try await acceptor, link: near)
  }

  private func connected(
    profile: SimulatedLinkProfile = SimulatedLinkProfile(delay: .milliseconds(10)),
    _ body: @escaping @Sendable (Ends, VirtualClock) async throws -> Void
  ) async throws {
    let clock = VirtualClock()
    try await SimulatedThread.run(clock) { try await body(try await open(profile: profile, clock: clock), clock) }
  }

  private func receiveAll(_ connection: FrameLinkConnection, _ count: Int) async throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    while messages.count < count, let message = try await connection.receive() { messages.append(message) }
    return messages
  }

  @Test(arguments: [0.0, 0.1]) func messagesGoBothWaysAtOnce(loss: Double) async throws {
    var profile = SimulatedLinkProfile.gatt
    profile.loss = loss
    try await connected(profile: profile) { ends, _ in
      #expect(ends.initiator.maximumMessageByteCount == 4096)
      let forth = numberedMessages(60, seed: 1)
      let back = numberedMessages(60, seed: 2)
      async let sentForth: Void = { for message in forth { try await ends.initiator.send(message) } }()
      async let sentBack: Void = { for message in back { try await ends.acceptor.send(message) } }()
      async let received = receiveAll(ends.acceptor, forth.count)
      async let answered = receiveAll(ends.initiator, back.count)
      _ = try await (sentForth, sentBack)
      #expect(try await received == forth)
      #expect(try await answered == back)
    }
  }

  @Test func closingDeliversWhatWasSentAndThenEnds() async throws {
    try await connected { ends, clock in
      let (initiator, acceptor) = (ends.initiator, ends.acceptor)
      let messages = numberedMessages(5, seed: 3)
      for message in messages { try await initiator.send(message) }
      await initiator.close()
      #expect(try await receiveAll(acceptor, 99) == messages)
      await #expect(throws: TransportError(.closed, "")) { try await acceptor.receive() }
      await #expect(throws: TransportError(.closed, "")) { try await acceptor.send([1]) }
      await #expect(throws: TransportError(.closed, "")) { try await initiator.send([1]) }
      await #expect(throws: TransportError(.closed, "")) { try await initiator.receive() }
      await acceptor.close()
      try await clock.sleep(for: .seconds(60))
      #expect(clock.sleeperCount == 0)
    }
  }

  @Test func aReaderThatStopsHoldsTheSenderUp() async throws {
    try await connected { ends, clock in
      let messages = (0..<200).map { [UInt8](repeating: UInt8($0), count: 4096) }
      let sentCount = Monitor(0)
      let sending = Task {
        for message in messages {
          try await ends.initiator.send(message)
          sentCount.withLock { $0 += 1 }
        }
      }
      try await clock.sleep(for: .seconds(60))
      #expect(sentCount.withLock { $0 } < 50)
      #expect(try await receiveAll(ends.acceptor, messages.count) == messages)
      try await sending.value
      #expect(ends.link.droppedFrameCount == 0)
    }
  }

  @Test func aSilentCutIsNoticed() async throws {
    try await connected { ends, clock in
      ends.link.cut(isReported: false)
      try await ends.initiator.send([1])
      let start = clock.now
      await #expect(throws: TransportError(.connectionLost, "")) { try await ends.initiator.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await ends.acceptor.receive() }
      #expect(start.duration(to: clock.now) <= .seconds(20))
    }
  }

  @Test func aReportedCutIsNoticedAtOnce() async throws {
    try await connected { ends, clock in
      ends.link.cut(isReported: true)
      let start = clock.now
      await #expect(throws: TransportError(.connectionLost, "")) { try await ends.initiator.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await ends.acceptor.receive() }
      #expect(start == clock.now)
    }
  }

  @Test func nobodyThereIsUnreachableAfterTheDeadline() async throws {
    let clock = VirtualClock()
    let (near, _) = SimulatedLink.pair(seed: 1, clock: clock)
    try await SimulatedThread.run(clock) {
      await #expect(throws: TransportError(.unreachable, "")) {
        _ = try await FrameLinkConnection.open(
          .initiator(session: 1), over: near, configuration: FrameLinkConfiguration(maximumFrameByteCount: 100),
          kind: .simulated, peerDescription: "nobody", clock: clock)
      }
    }
    #expect(clock.now.offset >= FrameLinkLimits.openDeadline)
  }

  @Test func aCancelledCallReturnsAndLosesNothing() async throws {
    try await connected { ends, clock in
      let receiving = Task { try await ends.acceptor.receive() }
      try await clock.sleep(for: .milliseconds(1))
      receiving.cancel()
      await #expect(throws: TransportError(.closed, "")) { try await receiving.value }
      try await ends.initiator.send([1, 2, 3])
      #expect(try await ends.acceptor.receive() == [1, 2, 3])
    }
  }

  @Test func anAbandonedConnectionEndsForThePeerToo() async throws {
    let clock = VirtualClock()
    try await SimulatedThread.run(clock) {
      let acceptor = try await open(clock: clock).acceptor
      await #expect(throws: TransportError(.connectionLost, "")) { try await acceptor.receive() }
    }
  }
}
