import FieldCore
import FieldTesting
import FieldWire
import Testing

/// The machine by itself, with the test as its peer.
@Suite struct FrameLinkTests {
  typealias Violation = FrameLinkEnd.Violation

  @Test func nothingIsStreamedBeforeTheAnswer() throws {
    var machine = FrameLink(
      role: .initiator(session: 7), configuration: FrameLinkConfiguration(maximumFrameByteCount: 100, firstSequence: 5))
    #expect(throws: TransportError(.unavailable, "")) { _ = try machine.send([1], now: .zero) }
    let actions = machine.open(now: .zero)
    let parameters = LinkParameters(
      protocolVersion: 1, maximumFrameByteCount: 100, windowFrameCount: 128, maximumMessageByteCount: 4096)
    #expect(actions == [.sendFrame(LinkFrame(session: 7, sequence: 5, body: .open(parameters)).encoded())])
    let more = machine.linkReady(now: .milliseconds(10))
    #expect(more.isEmpty)
    #expect(machine.nextDeadline == FrameLinkLimits.openInterval)
    #expect(!machine.isOpen)

    let answer = LinkFrame(session: 7, sequence: 0, body: .openAcknowledgement(parameters))
    let answered = machine.received(answer.encoded(), now: .milliseconds(20))
    #expect(answered.first == .opened)
    #expect(machine.isOpen)
    #expect(machine.smoothedRoundTrip == .milliseconds(20))
  }

  @Test func theSmallerOfBothEndsCounts() throws {
    var link = try HandDrivenLink(
      peer: HandDrivenLink.parameters(frameByteCount: 50, window: 3, messageByteCount: 500))
    #expect(link.machine.maximumMessageByteCount == 500)
    #expect(throws: TransportError(.messageTooLarge, "")) {
      _ = try link.machine.send([UInt8](repeating: 0, count: 501), now: .zero)
    }
    try link.send([UInt8](repeating: 0, count: 500))
    #expect(link.sentSequences == [0, 1, 2])
    #expect(link.sent.allSatisfy { $0.encoded().count <= 50 })
    #expect(link.sent.last?.flags.contains(.acknowledgementRequest) == true)
  }

  @Test func messagesAreCutAndMarked() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(frameByteCount: 20))
    try link.send(Array(0..<25))
    try link.send([])
    #expect(link.sent.map(\.flags) == [.first, [], .last, [.first, .last]])
    #expect(
      link.sent.map(\.body) == [.data(Array(0..<10)), .data(Array(10..<20)), .data(Array(20..<25)), .data([])])
  }

  @Test func aFullQueueRefusesAndTellsWhenThereIsRoom() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(window: 1))
    let message = [UInt8](repeating: 0, count: 4000)
    try link.send(message)
    try link.send(message)
    try link.send(message, isRefused: true)
    #expect(link.machine.hasRefusedMessage)
    link.receiveAcknowledgement(1, credit: 16)
    #expect(!link.machine.hasRefusedMessage)
    try link.send(message)
  }

  @Test func theWindowIsNeverOverTheCap() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(frameByteCount: 20, window: .max))
    try link.send([UInt8](repeating: 0, count: 4096))
    #expect(link.sentSequences.count == FrameLinkLimits.windowStartFrameCount)
    var next: UInt16 = 0
    while next < 300 {
      next += 1
      link.receiveAcknowledgement(next, credit: .max)
      #expect(link.sentSequences.count - Int(next) <= FrameLinkLimits.windowCeilingFrameCount)
    }
    #expect(link.sentSequences.count - Int(next) == FrameLinkLimits.windowCeilingFrameCount)
  }

  @Test func aGapIsNotALossBeforeARoundTrip() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(frameByteCount: 20))
    try link.send([UInt8](repeating: 0, count: 100))
    link.now = .milliseconds(40)
    link.receiveAcknowledgement(0, bitmap: 0b111)
    #expect(link.sentSequences == Array(0..<10))
    let roundTrip = max(FrameLinkLimits.reorderDelayFloor, try #require(link.machine.smoothedRoundTrip))
    link.wait(roundTrip - .milliseconds(1))
    #expect(link.sentSequences == Array(0..<10))
    link.wait(.milliseconds(2))
    #expect(link.sentSequences == Array(0..<10) + [0])
    #expect(link.sent.last?.flags == [.first, .retransmission, .acknowledgementRequest])
    // It was only late.
    link.receiveAcknowledgement(10)
    link.wait(roundTrip * 3)
    #expect(link.sentSequences == Array(0..<10) + [0])
  }

  @Test func sixtyFourLaterFramesAreALoss() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(frameByteCount: 20))
    link.receiveAcknowledgement(0)
    try link.send([UInt8](repeating: 0, count: 4096))
    // The window has to grow past 64 first.
    for next: UInt16 in 1...80 { link.receiveAcknowledgement(next) }
    let highest = try #require(link.sentSequences.last)
    #expect(highest >= 80 + 64)
    link.sent = []
    link.receiveAcknowledgement(80, bitmap: (1 << 63) - 1)
    #expect(!link.sentSequences.contains(80))
    link.receiveAcknowledgement(80, bitmap: .max)
    #expect(link.sentSequences.contains(80))
  }

  @Test func timeOutsGrowAndEndTheLink() throws {
    var link = try HandDrivenLink()
    try link.send([1])
    link.wait(FrameLinkLimits.progressDeadline - .milliseconds(1))
    #expect(link.ends.isEmpty)
    #expect((4...8).contains(link.sentSequences.count), "\(link.sentSequences.count) tries")
    link.wait(.milliseconds(1))
    #expect(link.ends == [.notAnswering])
    #expect(link.sent.last?.body == .close(.abandoned))
  }

  @Test func acknowledgementsWaitForEightFramesOrFiftyMilliseconds() throws {
    var link = try HandDrivenLink()
    for sequence: UInt16 in 0..<7 { link.receiveData(sequence) }
    #expect(link.sentAcknowledgements.isEmpty)
    link.receiveData(7)
    #expect(link.sentAcknowledgements.map(\.next) == [8])
    link.receiveData(8)
    link.wait(.milliseconds(49))
    #expect(link.sentAcknowledgements.count == 1)
    link.wait(.milliseconds(1))
    #expect(link.sentAcknowledgements.map(\.next) == [8, 9])
    link.receiveData(9, [.first, .last, .acknowledgementRequest])
    #expect(link.sentAcknowledgements.map(\.next) == [8, 9, 10])
    link.receiveData(12)
    let gap = try #require(link.sentAcknowledgements.last)
    #expect(gap.next == 10 && gap.body.bitmap == 0b10)
    link.receiveData(12)
    #expect(link.sentAcknowledgements.count == 5)
    #expect(link.machine.statistics.duplicateFrameCount == 1)
  }

  @Test func creditIsTheRoomThatIsLeft() throws {
    var link = try HandDrivenLink()
    for sequence: UInt16 in 0..<200 { link.receiveData(sequence) }
    #expect(link.machine.statistics.largestQueuedFrameCount == 128)
    #expect(link.machine.statistics.strayFrameCount == 200 - 128)
    #expect(link.sentAcknowledgements.last?.body.creditFrameCount == 0)
    #expect(link.sentAcknowledgements.last?.next == 128)
    link.sent = []
    for count in 1...32 {
      let message = link.take()
      #expect(message != nil)
      #expect(link.sentAcknowledgements.count == (count < 32 ? 0 : 1))
    }
    #expect(link.sentAcknowledgements.last?.body.creditFrameCount == 32)
  }

  @Test func aSenderWithoutCreditAsksForIt() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(window: 1))
    try link.send([1])
    try link.send([2])
    link.receiveAcknowledgement(1, credit: 0)
    link.sent = []
    for _ in 0..<40 {
      link.wait(FrameLinkLimits.probeInterval)
      link.receiveAcknowledgement(1, credit: 0)
    }
    #expect(link.ends.isEmpty)
    #expect((30...41).contains(link.sent.count))
    #expect(link.sent.allSatisfy { $0.flags == .acknowledgementRequest })
    link.receiveAcknowledgement(1, credit: 1)
    #expect(link.sentSequences == [1])
  }

  @Test(
    arguments: [
      ([(0, LinkFrame.Flags.last, [1])], Violation.fragmentOutOfPlace),
      ([(0, [], [1])], .fragmentOutOfPlace),
      ([(0, .first, [1]), (1, .first, [1])], .fragmentOutOfPlace),
      ([(1, .last, [1]), (0, [.first, .last], [1])], .fragmentOutOfPlace),
      ([(0, .first, [])], .emptyFragment),
      ([(0, .first, [1]), (1, [], [])], .emptyFragment),
    ] as [([(UInt16, LinkFrame.Flags, [UInt8])], Violation)])
  func aBrokenRuleEndsTheLink(frames: [(UInt16, LinkFrame.Flags, [UInt8])], violation: Violation) throws {
    var link = try HandDrivenLink()
    for (sequence, flags, bytes) in frames { link.receiveData(sequence, flags, bytes) }
    #expect(link.ends == [.protocolViolation(violation)])
    #expect(link.sent.last?.body == .close(.protocolViolation))
  }

  @Test func aMessageOverTheLimitEndsTheLink() throws {
    var link = try HandDrivenLink()
    for sequence: UInt16 in 0..<100 {
      link.receiveData(sequence, sequence == 0 ? .first : [], [UInt8](repeating: 0, count: 485))
    }
    #expect(link.ends == [.protocolViolation(.messageTooLarge)])
  }

  @Test(arguments: [
    HandDrivenLink.parameters(frameByteCount: 19), HandDrivenLink.parameters(window: 0),
    HandDrivenLink.parameters(messageByteCount: 0), HandDrivenLink.parameters(version: 0),
  ])
  func parametersThatNoLinkHasAreRefused(parameters: LinkParameters) throws {
    for role in [FrameLink.Role.acceptor, .initiator(session: HandDrivenLink.session)] {
      let link = try HandDrivenLink(role: role, peer: parameters)
      #expect(link.ends == [.protocolViolation(.badParameters)])
      #expect(!link.machine.isOpen)
    }
  }

  @Test func aLaterVersionIsAnsweredWithOurs() throws {
    var link = try HandDrivenLink(peer: HandDrivenLink.parameters(version: 9))
    #expect(link.machine.isOpen)
    try link.send([1])
    // An initiator gets what it asked for or less.
    let initiator = try HandDrivenLink(
      role: .initiator(session: HandDrivenLink.session), peer: HandDrivenLink.parameters(version: 2))
    #expect(initiator.ends == [.protocolViolation(.badParameters)])
  }

  @Test func anOrderlyCloseWithFramesMissingIsAFailure() throws {
    var link = try HandDrivenLink()
    link.receiveData(0)
    link.receive(LinkFrame(session: HandDrivenLink.session, sequence: 3, body: .close(.normal)))
    #expect(link.ends == [.protocolViolation(.closedWithDataMissing)])
    let message = link.take()
    #expect(message == [1])
  }

  @Test func anotherOpenTakesASilentLinkOver() throws {
    var link = try HandDrivenLink()
    let other = LinkFrame(session: 1, sequence: 0, body: .open(HandDrivenLink.parameters()))
    link.now = .milliseconds(999)
    link.receive(other)
    #expect(link.ends.isEmpty)
    link.receiveData(0)
    link.now = .milliseconds(1500)
    link.receive(other)
    #expect(link.ends.isEmpty)
    link.now = .milliseconds(2000)
    link.receive(other)
    #expect(link.ends == [.superseded])
  }

  @Test func aLinkThatTakesNothingStillEnds() throws {
    for closes in [true, false] {
      var machine = FrameLink(
        role: .initiator(session: 1), configuration: FrameLinkConfiguration(maximumFrameByteCount: 100))
      _ = machine.open(now: .zero)
      let answer = LinkFrame(session: 1, sequence: 0, body: .openAcknowledgement(HandDrivenLink.parameters()))
      _ = machine.received(answer.encoded(), now: .zero)
      _ = try machine.send([1], now: .zero)
      var actions = closes ? machine.close(now: .zero) : machine.abandon(now: .zero)
      var turnCount = 0
      while let deadline = machine.nextDeadline, turnCount < 100 {
        actions += machine.timerFired(now: deadline)
        turnCount += 1
      }
      #expect(turnCount < 100)
      #expect(actions == [.ended(.abandoned)])
    }
  }

  /// Well-formed frames with random fields, and broken ones, in every state: no trap, and nothing without a bound.
  @Test(arguments: 0..<40) func hostileFramesDoNoHarm(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let role: FrameLink.Role = random.chance(0.5) ? .acceptor : .initiator(session: HandDrivenLink.session)
    var link = try HandDrivenLink(
      role: role, configuration: FrameLinkConfiguration(maximumFrameByteCount: 200, firstSequence: 65_530),
      firstSequence: 65_000)
    var next: UInt16 = 65_000
    for _ in 0..<500 {
      link.now += .milliseconds(Int(random.next() % 20))
      let message = [UInt8](repeating: 1, count: Int(random.next() % 1000))
      if random.chance(0.1), let actions = try? link.machine.send(message, now: link.now) { link.perform(actions) }
      var frame = LinkFrame(
        session: HandDrivenLink.session, sequence: next &+ UInt16(truncatingIfNeeded: random.next() % 4),
        flags: LinkFrame.Flags(rawValue: UInt8(truncatingIfNeeded: random.next())), body: .data([]))
      switch random.next() % 16 {
      case 0: frame.body = .open(HandDrivenLink.parameters(window: UInt16(truncatingIfNeeded: random.next())))
      case 1:
        frame.body = .openAcknowledgement(
          HandDrivenLink.parameters(frameByteCount: UInt16(truncatingIfNeeded: random.next())))
      case 2...6:
        frame.sequence = 65_530 &+ UInt16(truncatingIfNeeded: random.next() % 100)
        frame.body = .acknowledgement(
          LinkAcknowledgement(
            bitmap: random.next() & random.next(), creditFrameCount: UInt16(truncatingIfNeeded: random.next())))
      case 7 where random.chance(0.02): frame.body = .close(LinkCloseReason(rawValue: UInt8(random.next() % 5)))
      case 8: frame.sequence = UInt16(truncatingIfNeeded: random.next())
      case 9: frame.session = UInt16(truncatingIfNeeded: random.next())
      default:
        frame.sequence = next
        frame.flags = [.first, .last]
        frame.body = .data([UInt8](repeating: 0, count: Int(random.next() % 190)))
        next &+= 1
      }
      var bytes = frame.encoded()
      if random.chance(0.1) { bytes[Int(random.next() % UInt64(bytes.count))] ^= 0x10 }
      link.perform(link.machine.received(bytes, now: link.now))
      link.perform(link.machine.timerFired(now: link.now))
      #expect(link.machine.statistics.largestQueuedFrameCount <= 256)
      if random.chance(0.5) { _ = link.take() }
    }
    #expect(link.sent.count <= 5000)
    #expect(link.machine.statistics.malformedFrameCount > 10)
    #expect(link.ends.count <= 1)
  }
}
