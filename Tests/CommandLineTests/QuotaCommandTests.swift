import Foundation
import Testing

/// A relay with little room, between people who do not know that.
@Suite(.timeLimit(.minutes(3)))
struct QuotaCommandTests {
  private func join(_ tool: Tool, _ admin: Tool, _ agent: AgentProcess, as role: String = "member") async throws {
    let invitation = try await admin.run("invite", "--role", role, "--quiet").output
    let joined = try await tool.run("join", "-", "--connect", agent.address, input: invitation)
    try #require(joined.status == 0, "\(joined.errors)")
  }

  private func files(_ count: Int, _ tool: Tool, in folder: String, seed: Int = 0) throws {
    for index in 0..<count {
      try tool.write(
        (0..<20_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ (index &+ seed) &* 97) >> 7) },
        to: "\(folder)/\(index)")
    }
  }

  @Test func adversaryMemberCannotFillARelay() async throws {
    let (laptop, relay, other) = (try await Tool.founded(), try Tool(), try Tool())
    let inviting = try await AgentProcess(laptop)
    try await join(relay, laptop, inviting, as: "relay")
    try await join(other, laptop, inviting)
    inviting.stop()
    #expect(try await laptop.run("agent", "--no-ble", "--relay-quota", "1M").status == 77, "is no relay")
    let carrying = try await AgentProcess(relay, "--relay-quota", "600K", "--relay-client-quota", "300K")
    try files(40, laptop, in: "in")
    #expect(try await laptop.run("import", "survey", "in").status == 0)

    // The relay takes what there is room for, says so, and loses nothing of it.
    let refused = try await laptop.run("sync", "--connect", carrying.address, "--json")
    #expect(refused.status == 5, "\(refused.errors)")
    let error = try refused.errorJSON()
    #expect(error["code"] as? String == "peerFull")
    #expect((error["hint"] as? String)?.contains("--relay-client-quota") == true)
    let quota = try #require(try await relay.run("status", "--json").json()["quota"] as? [String: Any])
    let client = try #require((quota["clients"] as? [[String: Any]])?.first)
    let used = try #require(client["usedBytes"] as? Int)
    #expect(used > 200_000 && used <= 300 << 10 && client["limitBytes"] as? Int == 300 << 10)
    #expect(quota["droppedEntries"] as? Int == 0)
    #expect(try await relay.run("status").output.contains("Quota "))

    // The next time it brings little in vain.
    let again = try await laptop.run("sync", "--connect", carrying.address, "--json")
    let sent = ((try again.json()["traffic"] as? [String: Any])?["sentBytes"] as? Int) ?? .max
    #expect(again.status == 5 && sent < 200_000, "\(sent) bytes")

    // Others have their share, and get what the relay has.
    #expect(try await other.run("put", "notes", "mine", "text=from another").status == 0)
    _ = try await other.run("sync", "--connect", carrying.address)
    let fetched = try await other.run("status", "--json").json()["databases"] as? [[String: Any]]
    #expect(fetched?.count == 2, "\(String(describing: fetched))")
    #expect(try await relay.run("verify").status == 0)
  }

  /// What everybody has makes room for what is new; who comes later gets that elsewhere.
  @Test func whatNobodyNeedsMakesRoomAndHealsOverAnotherPath() async throws {
    let (laptop, relay, other, late) = (try await Tool.founded(), try Tool(), try Tool(), try Tool())
    let inviting = try await AgentProcess(laptop)
    try await join(relay, laptop, inviting, as: "relay")
    try await join(other, laptop, inviting)
    inviting.stop()
    let carrying = try await AgentProcess(relay, "--relay-quota", "600K")
    for round in 0..<3 {
      try files(18, laptop, in: "in-\(round)", seed: 100 * round)
      #expect(try await laptop.run("import", "survey-\(round)", "in-\(round)").status == 0)
      for tool in [laptop, other, laptop] {
        let synced = try await tool.run("sync", "--connect", carrying.address)
        #expect(synced.status == 0, "round \(round): \(synced.errors)")
      }
    }
    let quota = try #require(try await relay.run("status", "--json").json()["quota"] as? [String: Any])
    let total = try #require(quota["total"] as? [String: Any])
    #expect(try #require(total["usedBytes"] as? Int) <= 600 << 10)
    #expect(try #require(quota["droppedEntries"] as? Int) > 0)
    #expect(try await relay.run("verify").status == 0)
    let (here, there) = (try laptop.files(under: "in-0"), try await exported(other, "survey-0"))
    #expect(here == there)

    carrying.stop()
    let admitting = try await AgentProcess(laptop)
    try await join(late, laptop, admitting)
    admitting.stop()
    let second = try await AgentProcess(relay)
    let partly = try await late.run("sync", "--connect", second.address, "--json")
    #expect(partly.status == 2, "\(partly.errors)")
    #expect(try #require(try partly.json()["missingEntries"] as? Int) > 0)
    #expect(try await late.run("verify", "--json").output.contains(#""gaps":[{"#))
    let healing = try await AgentProcess(laptop)
    #expect(try await late.run("sync", "--connect", healing.address).status == 0)
    #expect(try await exported(late, "survey-0") == here)
    #expect(try await !late.run("verify", "--json").output.contains(#""gaps":[{"#))
  }

  private func exported(_ tool: Tool, _ database: String) async throws -> [String: [UInt8]] {
    let outcome = try await tool.run("export", database, "out-\(database)")
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try tool.files(under: "out-\(database)")
  }
}
