import FieldCore
import FieldTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FrameLinkConnectionTests {
  /// Both ends of a connection over a simulated link.
  private func connect(
    seed: UInt64 = 1, profile: SimulatedLinkProfile = SimulatedLinkProfile(delay: .milliseconds(10)),
    clock: VirtualClock
  ) async throws -> (initiator: FrameLinkConnection, acceptor: FrameLinkConnection, link: SimulatedLink) {
    let (near, far) = SimulatedLink.pair(seed: seed, forth: profile, clock: clock)
    let configuration = FrameLinkConfiguration(maximumFrameByteCount: 1974)
    let (initiator, acceptor) = try await clock.advancing {
      async let acceptor = FrameLinkConnection.open(
        .acceptor, over: far, configuration: configuration, kind: .simulated, peerDescription: "initiator", clock: clock
      )
      let initiator = try await FrameLinkConnection.open(
        .initiator(session: 7), over: near, configuration: configuration, kind: .simulated, peerDescription: "acceptor",
        clock: clock)
      return (initiator, try await acceptor)
    }
    return (initiator, acceptor, near)
  }

  private func receiveAll(_ connection: FrameLinkConnection, _ count: Int) async throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    while messages.count < count, let message = try await connection.receive() { messages.append(message) }
    return messages
  }

  @Test(arguments: [0.0, 0.1]) func messagesGoBothWaysAtOnce(loss: Double) async throws {
    let clock = VirtualClock()
    var profile = SimulatedLinkProfile.gatt
    profile.loss = loss
    let (initiator, acceptor, _) = try await connect(profile: profile, clock: clock)
    #expect(initiator.maximumMessageByteCount == 4096)
    let forth = numberedMessages(60, seed: 1)
    let back = numberedMessages(60, seed: 2)
    let (received, answered) = try await clock.advancing {
      async let sentForth: Void = { for message in forth { try await initiator.send(message) } }()
      async let sentBack: Void = { for message in back { try await acceptor.send(message) } }()
      async let received = receiveAll(acceptor, forth.count)
      async let answered = receiveAll(initiator, back.count)
      _ = try await (sentForth, sentBack)
      return try await (received, answered)
    }
    #expect(received == forth)
    #expect(answered == back)
  }

  @Test func closingDeliversWhatWasSentAndThenEnds() async throws {
    let clock = VirtualClock()
    let (initiator, acceptor, _) = try await connect(clock: clock)
    let messages = numberedMessages(5, seed: 3)
    for message in messages { try await initiator.send(message) }
    try await clock.advancing { await initiator.close() }
    let received = try await receiveAll(acceptor, 99)
    #expect(received == messages)
    await #expect(throws: TransportError(.closed, "")) { try await acceptor.receive() }
    await #expect(throws: TransportError(.closed, "")) { try await acceptor.send([1]) }
    await #expect(throws: TransportError(.closed, "")) { try await initiator.send([1]) }
    await #expect(throws: TransportError(.closed, "")) { try await initiator.receive() }
    try await clock.advancing { await acceptor.close() }
    let isAtRest = await clock.run(until: { clock.sleeperCount == 0 }, within: .seconds(60))
    #expect(isAtRest, "\(clock.sleeperCount) tasks still wait")
  }

  @Test func aReaderThatStopsHoldsTheSenderUp() async throws {
    let clock = VirtualClock()
    let (initiator, acceptor, link) = try await connect(clock: clock)
    let messages = (0..<200).map { [UInt8](repeating: UInt8($0), count: 4096) }
    let sentCount = Monitor(0)
    let sending = Task {
      for message in messages {
        try await initiator.send(message)
        sentCount.withLock { $0 += 1 }
      }
    }
    let isFinished = await clock.run(until: { sentCount.withLock { $0 } == messages.count }, within: .seconds(60))
    #expect(!isFinished)
    #expect(sentCount.withLock { $0 } < 50)
    let received = try await clock.advancing { try await receiveAll(acceptor, messages.count) }
    #expect(received == messages)
    try await sending.value
    #expect(link.droppedFrameCount == 0)
  }

  @Test func aSilentCutIsNoticed() async throws {
    let clock = VirtualClock()
    let (initiator, acceptor, link) = try await connect(clock: clock)
    link.cut(isReported: false)
    try await initiator.send([1])
    let start = clock.now
    try await clock.advancing(within: .seconds(20)) {
      await #expect(throws: TransportError(.connectionLost, "")) { try await initiator.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await acceptor.receive() }
    }
    #expect(start.duration(to: clock.now) <= .seconds(20))
  }

  @Test func aReportedCutIsNoticedAtOnce() async throws {
    let clock = VirtualClock()
    let (initiator, acceptor, link) = try await connect(clock: clock)
    link.cut(isReported: true)
    await #expect(throws: TransportError(.connectionLost, "")) { try await initiator.receive() }
    await #expect(throws: TransportError(.connectionLost, "")) { try await acceptor.receive() }
  }

  @Test func nobodyThereIsUnreachableAfterTheDeadline() async throws {
    let clock = VirtualClock()
    let (near, _) = SimulatedLink.pair(seed: 1, clock: clock)
    try await clock.advancing {
      await #expect(throws: TransportError(.unreachable, "")) {
        _ = try await FrameLinkConnection.open(
          .initiator(session: 1), over: near, configuration: FrameLinkConfiguration(maximumFrameByteCount: 100),
          kind: .simulated, peerDescription: "nobody", clock: clock)
      }
    }
    #expect(clock.now.offset >= FrameLinkLimits.openDeadline)
  }

  @Test func aCancelledCallReturnsAndLosesNothing() async throws {
    let clock = VirtualClock()
    let (initiator, acceptor, _) = try await connect(clock: clock)
    let receiving = Task { try await acceptor.receive() }
    await clock.settle()
    receiving.cancel()
    await #expect(throws: TransportError(.closed, "")) { try await receiving.value }
    try await initiator.send([1, 2, 3])
    let message = try await clock.advancing { try await acceptor.receive() }
    #expect(message == [1, 2, 3])
  }

  @Test func anAbandonedConnectionEndsForThePeerToo() async throws {
    let clock = VirtualClock()
    let acceptor: FrameLinkConnection
    do {
      let pair = try await connect(clock: clock)
      acceptor = pair.acceptor
    }
    await #expect(throws: TransportError(.connectionLost, "")) {
      try await clock.advancing { try await acceptor.receive() }
    }
  }
}
