import Foundation
import Testing

/// Ten thousand peers that are none.
@Suite(.timeLimit(.minutes(4)), .serialized)
struct FloodTests {
  private static let bogusCount = 10_000
  private static let memoryByteLimit = 32 << 20

  /// What a process has in memory of its own, in bytes.
  private static func residentByteCount(of process: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return 1024 * (try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }))
  }

  /// How long a known peer takes to bring one document, several times.
  private func syncing(_ tool: Tool, with agent: AgentProcess, _ round: String) async throws -> [Duration] {
    var times: [Duration] = []
    for index in 0..<7 {
      #expect(try await tool.run("put", "notes", "\(round) \(index)", "text=dry").status == 0)
      let start = ContinuousClock.now
      let synced = try await tool.run("sync", "--connect", agent.address)
      times.append(ContinuousClock.now - start)
      #expect(synced.status == 0, "\(synced.errors)")
    }
    return times
  }

  private static func median(_ times: [Duration]) -> Duration { times.sorted()[times.count / 2] }

  @Test func adversaryTenThousandBogusPeersCostLittleMemoryAndNoKnownPeerItsTime() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let invitation = try await laptop.run("invite", "--quiet").output
    try #require(try await tablet.run("join", "-", "--connect", agent.address, input: invitation).status == 0)
    _ = try await syncing(tablet, with: agent, "warm")
    let before = try await syncing(tablet, with: agent, "quiet")
    let idle = try Self.residentByteCount(of: agent.processID)

    let flood = try #require(Flood(of: agent.address))
    defer { flood.stop() }
    var highest = idle
    var times: [Duration] = []
    var rounds = 0
    while flood.madeCount < Self.bogusCount {
      times += try await syncing(tablet, with: agent, "flood \(rounds)")
      highest = max(highest, try Self.residentByteCount(of: agent.processID))
      rounds += 1
    }
    flood.stop()
    // As busy as the machine is with other things, before and after.
    let usual = Self.median(before + (try await syncing(tablet, with: agent, "after")))
    let during = Self.median(times)
    print("\(flood.madeCount) bogus peers: \((highest - idle) >> 10) KiB over idle; a sync \(usual), during \(during)")
    #expect(highest - idle <= Self.memoryByteLimit)
    #expect(during <= usual * 2, "a known peer took \(during), and \(usual) otherwise")
    #expect(try await laptop.run("verify").status == 0)
  }

  /// Connections that say one byte at a time are gone at the deadline, and hold up nobody meanwhile.
  @Test func adversarySlowPeersHoldUpNobody() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let port = try #require(agent.address.split(separator: ":").last.flatMap { UInt16($0) })
    let slow = try (0..<200).map { _ in try SlowPeer(port: port) }
    let start = ContinuousClock.now
    let invitation = try await laptop.run("invite", "--quiet").output
    #expect(try await tablet.run("join", "-", "--connect", agent.address, input: invitation).status == 0)
    #expect(try await tablet.run("sync", "--connect", agent.address).status == 0)
    while !slow.allSatisfy(\.isOver) {
      try #require(ContinuousClock.now - start < .seconds(15), "\(slow.count { !$0.isOver }) are still there")
      for peer in slow { peer.sayAByte() }
      try await ContinuousClock().sleep(for: .milliseconds(100))
    }
  }
}
