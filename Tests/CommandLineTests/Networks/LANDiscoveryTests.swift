import Foundation
import Testing

/// Two agents on two machines with a real avahi-daemon each, which were told nothing of each other.
@Suite(.timeLimit(.minutes(4)), .serialized)
struct LANDiscoveryTests {
  private struct Side {
    let tool: Tool
    let wrapper: [String]
    let number: Int

    /// Runs the agent; it ends with the process that is returned.
    func agent() throws -> RunningAgent {
      let process = try tool.makeProcess(
        ["agent", "--listen", "[::]:7747", "--no-ble", "--log-level", "debug"], through: wrapper)
      process.standardOutput = FileHandle.nullDevice
      let log = tool.directory + "/agent-\(number).log"
      _ = FileManager.default.createFile(atPath: log, contents: nil)
      process.standardError = try FileHandle(forWritingTo: URL(filePath: log))
      try process.run()
      return RunningAgent(process: process)
    }

    func status() async throws -> [String: Any] { try await tool.run("status", "--json").json() }

    func digest() async throws -> String? {
      try await (status()["databases"] as? [[String: Any]])?.first?["digest"] as? String
    }

    func transport() async throws -> [String: Any]? {
      try await (status()["transports"] as? [[String: Any]])?.first { $0["kind"] as? String == "lan" }
    }

    func events() async throws -> [[String: Any]] {
      try await tool.run("events", "--json").output.split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    }
  }

  private final class RunningAgent {
    let process: Process
    init(process: Process) { self.process = process }
    deinit { end(SIGTERM) }

    func end(_ signal: Int32) {
      guard process.isRunning else { return }
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
    }
  }

  private static func twoMembers(_ networks: TwoNetworks) async throws -> (Side, Side) {
    let laptop = try await Tool.founded()
    let tablet = try Tool()
    let agent = try await AgentProcess(laptop)
    let invitation = try await laptop.run("invite", "--quiet").output
    let joined = try await tablet.run("join", "-", "--connect", agent.address, "--name", "tablet", input: invitation)
    try #require(joined.status == 0, "\(joined.errors)")
    agent.stop()
    return (
      Side(tool: laptop, wrapper: networks.wrapper(1), number: 1),
      Side(tool: tablet, wrapper: networks.wrapper(2), number: 2)
    )
  }

  /// - Returns: Whether it came true in time.
  private static func eventually(
    within limit: Duration, _ condition: () async throws -> Bool
  ) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      if try await condition() { return true }
      try await ContinuousClock().sleep(for: .milliseconds(200))
    }
    return false
  }

  @Test func agentsFindEachOtherAndSync() async throws {
    let networks = try TwoNetworks()
    let (laptop, tablet) = try await Self.twoMembers(networks)
    _ = try await laptop.tool.run("put", "notes", "today", "text=dry")
    _ = try await tablet.tool.run("put", "notes", "tomorrow", "text=wet")
    let agents = (try laptop.agent(), try tablet.agent())
    let areEqual = try await Self.eventually(within: .seconds(60)) {
      guard let digest = try await laptop.digest(), try await tablet.digest() == digest else { return false }
      return try await laptop.tool.run("get", "notes", "tomorrow").status == 0
    }
    #expect(areEqual)
    #expect(try await tablet.tool.run("get", "notes", "today").status == 0)
    #expect(try await laptop.transport()?["code"] is NSNull)

    // Without Avahi it says so, and an address that was given still works.
    try networks.tell("avahi 1 stop")
    #expect(
      try await Self.eventually(within: .seconds(20)) {
        try await laptop.transport()?["code"] as? String == "discoveryUnavailable"
      })
    #expect(try await laptop.transport()?["remedy"] as? String != nil)
    _ = try await laptop.tool.run("put", "notes", "later", "text=snow")
    let synced = try await tablet.tool.run(
      "sync", "--connect", "tcp://10.99.0.1:7747", through: tablet.wrapper)
    #expect(synced.status == 0, "\(synced.errors)")
    #expect(try await tablet.tool.run("get", "notes", "later").status == 0)

    // And it comes back by itself.
    try networks.tell("avahi 1 start")
    #expect(
      try await Self.eventually(within: .seconds(30)) { try await laptop.transport()?["code"] is NSNull })
    withExtendedLifetime(agents) {}
  }

  /// A machine that loses its power says no goodbye.
  @Test func whoIsGoneVanishes() async throws {
    let networks = try TwoNetworks()
    let (laptop, tablet) = try await Self.twoMembers(networks)
    let agents = (try laptop.agent(), try tablet.agent())
    let isSeen = try await Self.eventually(within: .seconds(60)) {
      try await laptop.events().contains { $0["type"] as? String == "peerAppeared" && $0["peer"] != nil }
    }
    #expect(isSeen)
    try networks.tell("avahi 2 freeze")
    agents.1.end(SIGKILL)
    let isGone = try await Self.eventually(within: .seconds(30)) {
      let events = try await laptop.events()
      let appeared = Set(
        events.filter { $0["type"] as? String == "peerAppeared" }.compactMap { $0["address"] as? String })
      let vanished = Set(
        events.filter { $0["type"] as? String == "peerVanished" }.compactMap { $0["address"] as? String })
      return appeared == vanished
    }
    #expect(isGone)
  }
}
