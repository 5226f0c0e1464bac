import FieldCore
import FieldDocuments
import FieldStore
import FieldTesting
import FieldWire
import Foundation
import Logging
import Testing

@testable import FieldAgent

/// Two agents in one process, on a LAN and a radio that are simulated, in real time.
@Suite(.timeLimit(.minutes(2)))
struct AgentTests {
  private let temporary: TemporaryDirectory
  private let network = SimulatedAir(kind: .lan)
  private let radio = SimulatedAir(kind: .bluetooth)

  init() throws { temporary = try TemporaryDirectory() }

  private func twoHomes() async throws -> (OpenHome, OpenHome) {
    let laptop = try await Home(directory: temporary / "laptop").create(name: "laptop")
    let invitation = try laptop.invite(role: .member, lifetime: .seconds(60))
    let home = Home(directory: temporary / "tablet")
    let identity = try home.beginJoining(invitation, name: "tablet")
    return (laptop, try await home.finishJoining(laptop.admit(identity.device, named: "tablet", as: .member)))
  }

  private func agent(_ home: OpenHome, _ name: String) -> Agent {
    Agent(
      home: home,
      transports: [network.transport(named: name, cost: .wired), radio.transport(named: name)],
      logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
  }

  private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
      try #require(ContinuousClock.now < deadline, "waited in vain for \(what)")
      try await ContinuousClock().sleep(for: .milliseconds(50))
    }
  }

  private func transport(of home: OpenHome) -> String? {
    AgentStatus(contentsOf: home.home.statusPath)?.peers.first?.transport
  }

  @Test func aTransferGoesOnOverAnotherTransport() async throws {
    let (laptop, tablet) = try await twoHomes()
    let agents = [agent(laptop, "laptop"), agent(tablet, "tablet")]
    let running = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for agent in agents { group.addTask { try await agent.run() } }
        try await group.waitForAll()
      }
    }
    defer { running.cancel() }
    radio.bringTogether("laptop", "tablet")
    network.bringTogether("laptop", "tablet")
    let (mine, theirs) = (try laptop.database(named: "notes"), try tablet.database(named: "notes"))
    try await mine.put("one", set: ["text": .text("1")])
    try await eventually("the first document") { try await theirs.get("one") != nil }
    try await eventually("the cheap transport") { transport(of: tablet) == "lan" }

    network.separate("laptop", "tablet")
    try await theirs.put("two", set: ["text": .text("2")])
    try await eventually("the second document") { try await mine.get("two") != nil }
    try await eventually("the other transport") { transport(of: laptop) == "bluetooth" }

    network.bringTogether("laptop", "tablet")
    try await mine.put("three", set: ["text": .text("3")])
    try await eventually("the third document") { try await theirs.get("three") != nil }
    let types = EventLog.events(in: laptop.home.eventsPath).map(\.type)
    #expect(types.contains(.connected) && types.contains(.disconnected) && types.contains(.peerVanished))
  }

  @Test func agentsThatHoldTheSameStayApart() async throws {
    let (laptop, tablet) = try await twoHomes()
    let page = try await laptop.store.scan(since: nil, limit: 100, filter: EntryFilter())
    _ = try await tablet.store.put(laptop.store.entries(page.listings.map(\.id)))
    radio.bringTogether("laptop", "tablet")
    let agents = [agent(laptop, "laptop"), agent(tablet, "tablet")]
    let running = Task {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for agent in agents { group.addTask { try await agent.run() } }
        try await group.waitForAll()
      }
    }
    defer { running.cancel() }
    try await eventually("both to see that they hold the same") {
      [laptop, tablet].allSatisfy { AgentStatus(contentsOf: $0.home.statusPath)?.peers.first?.state == "quiet" }
    }
    #expect(radio.connectionCount("laptop", "tablet") == 0)
    radio.separate("laptop", "tablet")
    try await eventually("both to say that the other has gone") {
      [laptop, tablet].allSatisfy { AgentStatus(contentsOf: $0.home.statusPath)?.peers.first?.state == "away" }
    }
    for home in [laptop, tablet] {
      #expect(!EventLog.events(in: home.home.eventsPath).map(\.type).contains(.connected))
    }
  }
}
