import FieldCore
import FieldTesting
import FieldWire
import Testing

@Suite struct FrameLinkSimulationTests {
  @Test func aCleanLinkDeliversBothWays() {
    var simulation = FrameLinkSimulation(seed: 1)
    let there = numberedMessages(40, seed: 2)
    let back = numberedMessages(40, seed: 3)
    simulation.start()
    simulation.send(there, from: .initiator)
    simulation.send(back, from: .acceptor)
    let done = simulation.run(until: .seconds(60)) { $0[.acceptor].delivered.count == 40 && $0[.initiator].delivered.count == 40 }
    #expect(done)
    #expect(simulation[.acceptor].delivered == there)
    #expect(simulation[.initiator].delivered == back)
    #expect(simulation[.initiator].machine.statistics.resentFrameCount == 0)
    print(simulation.now, simulation[.initiator].machine.statistics, simulation.eventCount)
  }
}
