import FieldCore
import FieldTesting
import FieldWire
import Testing

@Suite struct FrameLinkSimulationTests {
  typealias Side = FrameLinkSimulation.Side

  /// A link as bad as the seed says, with what both sides send over it.
  struct Swarm {
    var simulation: FrameLinkSimulation
    let forth: [[UInt8]]
    let back: [[UInt8]]

    init(seed: UInt64) {
      var random = SeededRandom(seed: seed)
      let frameByteCount = [20, 20, 23, 100, 244, 495, 1974][Int(random.next() % 7)]
      func profile(_ random: inout SeededRandom) -> SimulatedLinkProfile {
        var profile = SimulatedLinkProfile(
          maximumFrameByteCount: frameByteCount, delay: .milliseconds(Int(random.next() % 60)))
        if random.chance(0.7) { profile.loss = Double(random.next() % 21) / 100 }
        if random.chance(0.3) { profile.deafTime = .milliseconds(1 + Int(random.next() % 200)) }
        if random.chance(0.4) { profile.duplication = Double(random.next() % 21) / 100 }
        if random.chance(0.3) { profile.corruption = Double(random.next() % 6) / 100 }
        if random.chance(0.5) {
          profile.channelCount = 3
          profile.jitter = .milliseconds(Int(random.next() % 40))
        }
        if random.chance(0.5) { profile.bytesPerSecond = 5_000 + Int(random.next() % 100_000) }
        if random.chance(0.5) { profile.sendQueueFrameCount = 1 + Int(random.next() % 16) }
        if random.chance(0.3) {
          let start = random.duration(upTo: .seconds(2))
          profile.stalls = [start..<start + random.duration(upTo: .seconds(3))]
        }
        return profile
      }
      func configuration(_ random: inout SeededRandom) -> FrameLinkConfiguration {
        FrameLinkConfiguration(
          maximumFrameByteCount: frameByteCount, keepAliveInterval: random.chance(0.5) ? .seconds(5) : nil,
          firstSequence: random.chance(0.5) ? UInt16(65_500 + random.next() % 36) : 0)
      }
      simulation = FrameLinkSimulation(
        seed: random.next(), toAcceptor: profile(&random), toInitiator: profile(&random),
        initiator: configuration(&random), acceptor: configuration(&random))
      let largestByteCount = frameByteCount < 100 ? 400 : 4096
      forth = numberedMessages(12 + Int(random.next() % 20), seed: seed, largestByteCount: largestByteCount)
      back = numberedMessages(Int(random.next() % 32), seed: seed + 1, largestByteCount: largestByteCount)
      for side in Side.allCases where random.chance(0.3) {
        simulation[side].reader = .every(.milliseconds(1 + Int(random.next() % 100)))
      }
      simulation.start()
      simulation.send(forth, from: .initiator)
      simulation.send(back, from: .acceptor)
    }

    mutating func run() -> Bool {
      simulation.run(until: .seconds(300)) { [forth, back] simulation in
        simulation.hasDelivered(forth.count, to: .acceptor) && simulation.hasDelivered(back.count, to: .initiator)
      }
    }
  }

  @Test(arguments: 0..<8) func everyMessageArrivesOnceAndInOrder(part: UInt64) async {
    for seed in part * 80..<part * 80 + 80 {
      await Task.yield()
      var swarm = Swarm(seed: seed)
      let isDone = swarm.run()
      let (initiator, acceptor) = (swarm.simulation[.initiator], swarm.simulation[.acceptor])
      #expect(isDone, "seed \(seed): \(String(describing: initiator.end)) \(String(describing: acceptor.end))")
      #expect(acceptor.delivered == swarm.forth, "seed \(seed)")
      #expect(initiator.delivered == swarm.back, "seed \(seed)")
      for end in [initiator, acceptor] {
        // The credit that was given, plus the messages that were being joined then.
        let messageFrameCount = 4096 / 85 + 1
        #expect(end.machine.statistics.largestQueuedFrameCount <= 2 * (128 + messageFrameCount), "seed \(seed)")
      }
    }
  }

  @Test func theSameSeedGivesTheSameEvents() {
    for seed: UInt64 in 0..<20 {
      var (first, second, other) = (Swarm(seed: seed), Swarm(seed: seed), Swarm(seed: seed + 1000))
      #expect(first.run() == second.run())
      _ = other.run()
      #expect(first.simulation.eventCount == second.simulation.eventCount)
      #expect(first.simulation.eventDigest == second.simulation.eventDigest)
      #expect(first.simulation[.acceptor].machine.statistics == second.simulation[.acceptor].machine.statistics)
      #expect(first.simulation.eventDigest != other.simulation.eventDigest)
    }
  }

  @Test(arguments: [Side.initiator, .acceptor]) func aCutAtAnyFrameLosesOnlyTheEnd(cutSide: Side) async {
    let forth = numberedMessages(110, seed: 5, largestByteCount: 500)
    let back = numberedMessages(110, seed: 6, largestByteCount: 500)
    for index in 0..<500 {
      await Task.yield()
      var cut = SimulatedLinkProfile(maximumFrameByteCount: 30)
      cut.cutAtFrame = index
      cut.isCutReported = index % 5 == 4
      let whole = SimulatedLinkProfile(maximumFrameByteCount: 30)
      var simulation = FrameLinkSimulation(
        seed: UInt64(index), toAcceptor: cutSide == .initiator ? cut : whole,
        toInitiator: cutSide == .acceptor ? cut : whole)
      simulation.start()
      simulation.send(forth, from: .initiator)
      simulation.send(back, from: .acceptor)
      let limit = FrameLinkLimits.openDeadline + FrameLinkLimits.openDeadline + FrameLinkLimits.progressDeadline
      let ended = simulation.run(until: limit) {
        $0.haveBothEnded || ($0[.initiator].end != nil && $0[.acceptor].openedAt == nil)
      }
      #expect(ended, "cut at \(index)")
      #expect(simulation[.acceptor].delivered == Array(forth.prefix(simulation[.acceptor].delivered.count)))
      #expect(simulation[.initiator].delivered == Array(back.prefix(simulation[.initiator].delivered.count)))
      #expect(
        simulation[.acceptor].delivered.count < forth.count && simulation[.initiator].delivered.count < back.count)
      for side in Side.allCases {
        let end = simulation[side].end
        #expect(end != .closed && end != .closedByPeer, "cut at \(index)")
      }
    }
  }

  @Test func aDeadLinkIsNoticedInTime() {
    var simulation = FrameLinkSimulation(seed: 3)
    simulation.start()
    simulation.send(numberedMessages(500, seed: 1), from: .initiator)
    simulation.run(until: .milliseconds(500))
    #expect(simulation[.initiator].machine.statistics.sentFrameCount > 0)
    #expect(!simulation[.initiator].unsent.isEmpty)
    let cutAt = simulation.now
    simulation.cut()
    simulation.run(until: .seconds(60)) { $0.haveBothEnded }
    #expect(simulation[.initiator].end == .notAnswering)
    #expect(simulation[.acceptor].end == .notAnswering)
    let slack = Duration.seconds(1)
    #expect(simulation[.initiator].endedAt.map { $0 - cutAt < FrameLinkLimits.progressDeadline + slack } == true)
    // The side that has nothing to send waits for its keep-alive first.
    let idleLimit = FrameLinkLimits.keepAliveInterval * 3 / 2 + FrameLinkLimits.progressDeadline + slack
    #expect(simulation[.acceptor].endedAt.map { $0 - cutAt < idleLimit } == true)
  }

  @Test func anIdleLinkStaysUpAndCostsLittle() {
    var simulation = FrameLinkSimulation(seed: 4)
    simulation.start()
    simulation.run(until: .seconds(600))
    #expect(simulation.endpoints.allSatisfy { $0.machine.isOpen })
    let count = simulation.endpoints.reduce(0) { $0 + $1.machine.statistics.sentFrameCount }
    #expect((200...300).contains(count), "\(count) frames in 10 minutes")
  }

  @Test(arguments: [0.0, 0.2]) func aSlowReaderStallsTheSenderAndLosesNothing(loss: Double) {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: 100)
    profile.loss = loss
    let messages = numberedMessages(300, seed: 8, largestByteCount: 1000)
    var simulation = FrameLinkSimulation(seed: 9, toAcceptor: profile)
    simulation[.acceptor].reader = .never
    simulation.start()
    simulation.send(messages, from: .initiator)
    simulation.run(until: .seconds(120))
    #expect(simulation.endpoints.allSatisfy { $0.machine.isOpen })
    #expect(simulation[.initiator].unsent.count > 150)
    #expect(simulation[.acceptor].machine.statistics.largestQueuedFrameCount <= 256)
    let frameCount = simulation[.initiator].machine.statistics.sentFrameCount
    #expect(frameCount < 900, "\(frameCount) frames against a reader that does not read")

    simulation.setReader(.every(.milliseconds(10)), at: .acceptor)
    let isDone = simulation.run(until: .seconds(300)) { $0.hasDelivered(300, to: .acceptor) }
    #expect(isDone)
    #expect(simulation[.acceptor].delivered == messages)
  }

  @Test func aMessageCanBeLargerThanTheWindow() {
    var simulation = FrameLinkSimulation(seed: 10, toAcceptor: SimulatedLinkProfile(maximumFrameByteCount: 20))
    let messages = (0..<5).map { [UInt8](repeating: UInt8($0), count: 4096) }
    simulation[.acceptor].reader = .every(.seconds(1))
    simulation.start()
    simulation.send(messages, from: .initiator)
    let isDone = simulation.run(until: .seconds(60)) { $0.hasDelivered(5, to: .acceptor) }
    #expect(isDone)
    #expect(simulation[.acceptor].delivered == messages)
    #expect(simulation[.acceptor].machine.statistics.largestQueuedFrameCount < 128 + 410)
  }

  @Test func reorderingAloneCausesFewResends() {
    let messages = numberedMessages(200, seed: 11)
    var simulation = FrameLinkSimulation(seed: 12, toAcceptor: .gatt)
    simulation.start()
    simulation.send(messages, from: .initiator)
    let isDone = simulation.run(until: .seconds(120)) { $0.hasDelivered(200, to: .acceptor) }
    #expect(isDone)
    let statistics = simulation[.initiator].machine.statistics
    #expect(statistics.resentFrameCount * 100 <= statistics.dataFrameCount, "\(statistics)")
  }

  @Test(arguments: [(0.0, 0.93, 0.0), (0.02, 0.88, 0.03), (0.1, 0.65, 0.15), (0.2, 0.4, 0.32)])
  func throughputFallsWithLossAndNoFurther(loss: Double, share: Double, resendLimit: Double) {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: 495, delay: .milliseconds(25))
    profile.bytesPerSecond = 22_000
    profile.sendQueueFrameCount = 16
    profile.loss = loss
    let messages = (0..<200).map { _ in [UInt8](repeating: 7, count: 4096) }
    var simulation = FrameLinkSimulation(seed: 13, toAcceptor: profile)
    simulation.start()
    simulation.send(messages, from: .initiator)
    let isDone = simulation.run(until: .seconds(600)) { $0.hasDelivered(200, to: .acceptor) }
    #expect(isDone)
    let rate = Double(200 * 4096) / (simulation.now / .seconds(1))
    let statistics = simulation[.initiator].machine.statistics
    let resent = Double(statistics.resentFrameCount) / Double(statistics.dataFrameCount - statistics.resentFrameCount)
    #expect(rate >= share * 22_000, "\(rate) bytes per second")
    #expect(resent <= resendLimit, "\(resent) resent")
  }

  @Test func acknowledgementsAreOneForEightFrames() {
    var profile = SimulatedLinkProfile.l2cap
    profile.maximumFrameByteCount = 495
    var simulation = FrameLinkSimulation(seed: 14, toAcceptor: profile)
    simulation.start()
    simulation.send((0..<200).map { _ in [UInt8](repeating: 1, count: 4096) }, from: .initiator)
    simulation.run(until: .seconds(60)) { $0.hasDelivered(200, to: .acceptor) }
    let frameCount = simulation[.initiator].machine.statistics.dataFrameCount
    #expect(frameCount == 200 * 9)
    #expect(simulation[.initiator].machine.statistics.resentFrameCount == 0)
    let acknowledgementCount = simulation[.acceptor].machine.statistics.acknowledgementFrameCount
    #expect(acknowledgementCount <= frameCount / 8 + 10, "\(acknowledgementCount) for \(frameCount)")
    #expect(simulation[.initiator].machine.windowFrameCount == FrameLinkLimits.windowCeilingFrameCount)
  }

  @Test(arguments: [0.0, 0.1]) func closingDeliversWhatWasSent(loss: Double) {
    for seed: UInt64 in 0..<30 {
      var profile = SimulatedLinkProfile(maximumFrameByteCount: 100)
      profile.loss = loss
      let messages = numberedMessages(20, seed: seed, largestByteCount: 500)
      var simulation = FrameLinkSimulation(seed: seed, toAcceptor: profile)
      simulation[.initiator].closesWhenSent = true
      simulation.start()
      simulation.send(messages, from: .initiator)
      let ended = simulation.run(until: .seconds(60)) { $0.haveBothEnded }
      #expect(ended)
      #expect(simulation[.acceptor].delivered == messages)
      #expect(simulation[.initiator].end == .closed)
      #expect(simulation[.acceptor].end == .closedByPeer)
    }
  }

  @Test func afterTheEndNothingIsSent() {
    var simulation = FrameLinkSimulation(seed: 15)
    simulation[.initiator].closesWhenSent = true
    simulation.start()
    simulation.send([[1, 2, 3]], from: .initiator)
    simulation.run(until: .seconds(30)) { $0.haveBothEnded }
    let counts = simulation.endpoints.map(\.machine.statistics.sentFrameCount)
    for sequence: UInt16 in 0..<50 {
      for side in Side.allCases {
        let frame = LinkFrame(session: 0x5E55, sequence: sequence, flags: [.first, .last], body: .data([9]))
        simulation.inject(frame.encoded(), to: side)
      }
    }
    simulation.run(until: .seconds(300))
    #expect(simulation.endpoints.map(\.machine.statistics.sentFrameCount) == counts)
    #expect(simulation[.acceptor].delivered == [[1, 2, 3]])
    #expect(simulation.endpoints.allSatisfy { $0.machine.nextDeadline == nil })
  }

  @Test func openIsRepeatedSlowlyUntilTheDeadline() {
    var profile = SimulatedLinkProfile()
    profile.loss = 1
    var simulation = FrameLinkSimulation(seed: 16, toAcceptor: profile)
    simulation.start()
    simulation.run(until: .seconds(60))
    #expect(simulation[.initiator].end == .openTimedOut)
    #expect(simulation[.acceptor].end == .openTimedOut)
    #expect(simulation[.initiator].endedAt == FrameLinkLimits.openDeadline)
    #expect((10...20).contains(simulation[.initiator].machine.statistics.sentFrameCount))
    #expect(simulation[.acceptor].machine.statistics.sentFrameCount == 0)
  }

  /// Each frame of the opening is lost a few times, on either side.
  @Test(arguments: [Side.initiator, .acceptor], 0..<4) func aLostOpeningIsMadeUpFor(side: Side, lostCount: Int) {
    var simulation = FrameLinkSimulation(seed: 17)
    simulation.loseNext(lostCount, from: side)
    simulation.start()
    simulation.send([[1]], from: .initiator)
    simulation.send([[2]], from: .acceptor)
    let isDone = simulation.run(until: .seconds(20)) {
      $0.hasDelivered(1, to: .acceptor) && $0.hasDelivered(1, to: .initiator)
    }
    #expect(isDone)
    #expect(simulation.endpoints.map(\.delivered) == [[[2]], [[1]]])
    #expect(simulation.now < .seconds(lostCount + 1))
  }

  @Test func framesOfAnotherSessionAreIgnored() {
    let messages = numberedMessages(50, seed: 18)
    var simulation = FrameLinkSimulation(seed: 18, session: 0x1111)
    simulation.start()
    simulation.send(messages, from: .initiator)
    for step in 0..<100 {
      let delay = Duration.milliseconds(step * 5)
      let sequence = UInt16(step)
      for body: LinkFrame.Body in [
        .data([0xBA, 0xD0]), .acknowledgement(LinkAcknowledgement(bitmap: .max, creditFrameCount: 0)), .close(.normal),
        .open(HandDrivenLink.parameters()), .openAcknowledgement(HandDrivenLink.parameters()),
      ] {
        for side in Side.allCases {
          let frame = LinkFrame(session: 0x2222, sequence: sequence, flags: [.first, .last], body: body)
          simulation.inject(frame.encoded(), to: side, after: .milliseconds(100) + delay)
        }
      }
    }
    let isDone = simulation.run(until: .seconds(30)) { $0.hasDelivered(50, to: .acceptor) }
    #expect(isDone)
    simulation.run(until: .seconds(5))
    #expect(simulation[.acceptor].delivered == messages)
    #expect(simulation.endpoints.allSatisfy { $0.machine.isOpen })
    #expect(simulation[.initiator].machine.statistics.strayFrameCount >= 400)
  }
}
