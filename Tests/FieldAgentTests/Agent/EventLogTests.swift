import FieldCore
import FieldWire
import Foundation
import Testing

@testable import FieldAgent

@Suite struct EventLogTests {
  private let temporary: TemporaryDirectory
  private var path: String { temporary / "events" }

  init() throws { temporary = try TemporaryDirectory() }

  @Test func idsGoOnAcrossRestarts() throws {
    for round in 0..<3 {
      var log = EventLog(path: path)
      log.append(AgentEvent(.agentStarted))
      log.append(AgentEvent(.quiet))
      try log.flush()
      #expect(EventLog.events(in: path).map(\.id) == (1...UInt64(2 * round + 2)).map { $0 })
    }
  }

  @Test func theOldestGo() throws {
    var log = EventLog(path: path)
    for index in 0..<5 * AgentLimits.eventCount {
      log.append(AgentEvent(.inStep))
      if index % 100 == 0 { try log.flush() }
    }
    try log.flush()
    let events = EventLog.events(in: path)
    #expect((AgentLimits.eventCount...2 * AgentLimits.eventCount).contains(events.count))
    #expect(events.last?.id == UInt64(5 * AgentLimits.eventCount))
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.id + 1 == $1.id })
  }

  @Test func aLineThatIsDamagedIsLeftOut() throws {
    var log = EventLog(path: path)
    for _ in 0..<3 { log.append(AgentEvent(.quiet)) }
    try log.flush()
    var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    lines[1] = String(lines[1].dropLast(4))
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(EventLog.events(in: path).map(\.id) == [1, 3])
  }

  @Test func everyEventOfTheManagerHasItsForm() throws {
    let device = DeviceKey(words: (1, 2, 3, 4))
    let address = PeerAddress(kind: .lan, location: "10.0.0.1:1")
    let condition = TransportCondition(
      code: "adapterOff", reason: "hci0 is off", remedy: "switch it on", isUsable: false)
    let events: [(TransportEvent, AgentEvent.Kind)] = [
      (.appeared(device, address), .peerAppeared), (.vanished(nil, address), .peerVanished),
      (.connected(device, .lan, why: "w"), .connected), (.disconnected(device, .lan, reason: "r"), .disconnected),
      (.moved(device, from: .lan, to: .bluetooth, why: "w"), .moved),
      (.dialFailed(device, address, reason: "r", retryIn: .milliseconds(2500)), .dialFailed),
      (.stalled(device, .lan, silence: .seconds(2)), .stalled), (.quiet(device, .lan), .quiet),
      (.condition(.bluetooth, condition), .transportProblem), (.condition(.bluetooth, nil), .transportWell),
    ]
    var log = EventLog(path: path)
    for (event, kind) in events {
      #expect(AgentEvent(event).type == kind)
      log.append(AgentEvent(event))
    }
    try log.flush()
    let read = EventLog.events(in: path)
    #expect(read.map(\.type) == events.map(\.1))
    #expect(read[0].peer == device.description && read[1].peer == nil)
    #expect(read[4].from == "lan" && read[4].transport == "bluetooth")
    #expect(read[5].retryInSeconds == 2.5)
    #expect(read[8].remedy == "switch it on" && read[8].code == "adapterOff")
  }
}
