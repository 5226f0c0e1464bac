import FieldTesting
import FieldWire
import SetReconciliation
import Sodium
import Testing

@testable import FieldCore

/// What a link does is seen while it is used, and the planner goes by that.
@Suite(.timeLimit(.minutes(5))) struct LinkMeterTests {
  /// A sender over a link whose queue takes 32 KiB at once, and the rest at `rate`.
  private func meter(rate: Int, assuming: LinkMeasure, byteCount: Int, pause: Duration = .zero) -> LinkMeter {
    var meter = LinkMeter(assuming: assuming)
    var now = Duration.zero
    var emptyAt = Duration.zero
    let queue = Duration.seconds(Double(32 << 10) / Double(rate))
    for index in 0..<byteCount / 1024 {
      let start = now
      emptyAt = max(now, emptyAt) + .seconds(1024 / Double(rate))
      now = max(now, emptyAt - queue)
      meter.took(1024, from: start, to: now)
      if pause > .zero, index % 20 == 19 {
        meter.paused()
        now += pause
      }
    }
    return meter
  }

  @Test(arguments: [3_000, 12_500, 80_000, 1_000_000, 40_000_000])
  func theRateIsThatOfTheLink(rate: Int) {
    let measured = meter(rate: rate, assuming: .lan, byteCount: max(256 << 10, rate * 2)).measure.bytesPerSecond
    #expect((rate * 8 / 10...rate * 12 / 10).contains(measured) || rate > 1 << 25, "\(measured)")
  }

  /// Who sends little does not learn from it that the link is slow.
  @Test func aSenderThatPausesSaysNothing() {
    let measured = meter(rate: 1_000_000, assuming: .lan, byteCount: 256 << 10, pause: .seconds(1)).measure
    #expect(measured == .lan)
  }

  @Test func whatThisSessionMeasuredStays() {
    var meter = LinkMeter(assuming: .bluetooth)
    meter.recall(LinkMeasure(bytesPerSecond: 90_000, roundTrip: .milliseconds(35)))
    #expect(meter.measure == LinkMeasure(bytesPerSecond: 90_000, roundTrip: .milliseconds(35)))
    meter.answered(after: .milliseconds(100))
    meter.recall(LinkMeasure(bytesPerSecond: 50_000, roundTrip: .milliseconds(35)))
    #expect(meter.measure == LinkMeasure(bytesPerSecond: 50_000, roundTrip: .milliseconds(100)))
    for _ in 0..<40 { meter.answered(after: .seconds(90)) }
    #expect(meter.measure.roundTrip > .seconds(4) && meter.measure.roundTrip <= .seconds(5))
  }

  /// A slow network gets few bytes, whatever it is called, and a quick radio little computing.
  @Test func thePlannerGoesByTheMeasure() {
    func rung(_ meter: LinkMeter, differences: Int) -> Rung? {
      LadderPlanner(link: meter.measure).step(differences: differences, ownCount: 1_000_000, peerCount: 1_000_000).1?
        .rung
    }
    let slow = meter(rate: 20_000, assuming: .lan, byteCount: 256 << 10)
    #expect(rung(LinkMeter(assuming: .lan), differences: 2000) == .ratelessCells)
    #expect(rung(slow, differences: 2000) == .partitionedSketch)
    let quick = meter(rate: 900_000, assuming: .bluetooth, byteCount: 2 << 20)
    #expect(rung(quick, differences: 2000) == .ratelessCells)
    // A round trip that is long is worth more bytes: buckets have more room then.
    func isLean(_ roundTrip: Duration) -> Bool {
      let planner = LadderPlanner(link: LinkMeasure(bytesPerSecond: 12_500, roundTrip: roundTrip))
      guard case .partition(let plan) = planner.step(differences: 2000, ownCount: 1 << 20, peerCount: 1 << 20).0 else {
        return false
      }
      return plan == .lean(differences: 2000)
    }
    #expect(isLean(.milliseconds(60)) && !isLean(.milliseconds(400)))
  }

  /// Over links with a rate and a delay, under real sessions.
  @Test(arguments: [false, true]) func aSessionMeasuresItsLink(isChannel: Bool) async throws {
    let profile: SimulatedLinkProfile = isChannel ? .l2cap : .gatt
    let clock = VirtualClock()
    let air = SimulatedAir(medium: .datagrams(profile), clock: clock)
    let (alice, bob) = (air.transport(named: "alice"), air.transport(named: "bob"))
    air.bringTogether("alice", "bob")
    let key = SessionKey(
      purpose: .sync, workspace: WorkspaceID(words: (1, 2, 3, 4)),
      secret: SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
    let link = try await SimulatedThread.run(clock) {
      let outgoing = try await alice.connect(to: air.address(of: "bob"))
      var connections = bob.incomingConnections().makeAsyncIterator()
      let incoming = try #require(await connections.next())
      async let answered = SessionEstablisher(identity: SigningKeyPair(), clock: clock).respond(
        on: incoming, with: [key])
      let near = try await SessionEstablisher(identity: SigningKeyPair(), clock: clock).initiate(
        on: outgoing, with: key)
      let far = try await answered
      #expect(await near.link.roundTrip >= profile.delay * 2)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = await near.run() }
        group.addTask { _ = await far.run() }
        group.addTask {
          for await stream in far.incoming {
            while try await stream.receive() != nil {}
            await stream.end()
          }
        }
        let piece = Message(ContentPiece(bytes: [UInt8](repeating: 1, count: 16 << 10)))
        let stream = try await near.open(piece, isLast: false)
        for _ in 0..<30 { try await stream.send(piece, isLast: false) }
        await stream.end()
        _ = try await stream.receive()
        let link = await near.link
        await near.close(.done)
        group.cancelAll()
        return link
      }
    }
    let rate = try #require(profile.bytesPerSecond)
    #expect((rate / 2...rate * 3 / 2).contains(link.bytesPerSecond), "\(link.bytesPerSecond) over \(rate)")
    #expect(link.roundTrip < .seconds(1))
  }
}
