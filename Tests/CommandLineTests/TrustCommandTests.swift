import Foundation
import Testing

/// Letting devices in and out, as people do it.
@Suite(.timeLimit(.minutes(2)))
struct TrustCommandTests {
  private func join(_ tool: Tool, _ laptop: Tool, _ agent: AgentProcess, as name: String) async throws {
    let invitation = try await laptop.run("invite", "--quiet").output
    let joined = try await tool.run("join", "-", "--connect", agent.address, "--name", name, input: invitation)
    try #require(joined.status == 0, "\(joined.errors)")
  }

  private func id(_ tool: Tool) async throws -> String {
    try #require(try await tool.run("id", "--json").json()["device"] as? String)
  }

  @Test func whoIsRevokedIsOutAndTheOthersGoOn() async throws {
    let (laptop, tablet, thief) = (try await Tool.founded(), try Tool(), try Tool())
    let agent = try await AgentProcess(laptop)
    try await join(tablet, laptop, agent, as: "tablet")
    try await join(thief, laptop, agent, as: "thief")
    #expect(try await thief.run("sync", "--connect", agent.address).status == 0)

    let device = try await id(thief)
    #expect(try await laptop.run("peers", "rename", device, "lost phone").status == 0)
    let listed = try await laptop.run("peers")
    #expect(listed.output.contains("\(device)  lost phone, member"))
    #expect(try await laptop.run("peers", "rename", try await id(tablet), "lost phone").status == 65)

    #expect(try await tablet.run("revoke", device, "--yes").status == 77, "a member revokes nobody")
    #expect(try await laptop.run("revoke", "lost phone", input: "n\n").status == 77)
    let revoked = try await laptop.run("revoke", "lost phone", "--yes", "--json")
    #expect(try revoked.json()["epoch"] as? Int == 2, "\(revoked.errors)")
    #expect(try await laptop.run("revoke", device, "--yes").status == 66, "it is out already")
    #expect(try await laptop.run("revoke", try await id(laptop), "--yes").status == 77, "the last admin stays")

    #expect(try await thief.run("sync", "--connect", agent.address).status == 4)
    #expect(try await laptop.run("put", "notes", "today", "text=canary").status == 0)
    // The tablet knows the old presence key alone, and catches up.
    let synced = try await tablet.run("sync", "--connect", agent.address)
    #expect(synced.status == 0, "\(synced.errors)")
    let fields = try await tablet.run("get", "notes", "today", "--json").json()["fields"] as? [String: Any]
    #expect(fields?["text"] as? String == "canary")
    let peers = try await tablet.run("peers", "--all", "--json").json()["peers"] as? [[String: Any]]
    #expect(peers?.count == 3)
    #expect(peers?.first { $0["device"] as? String == device }?["revoked"] as? Bool == true)

    let pending = try await laptop.run("peers", "--pending", "--json").json()["pending"] as? [[String: Any]]
    #expect((pending?.count ?? 0) <= 64)
  }

  @Test func aWrongCharacterOfADeviceIsNoticed() async throws {
    let laptop = try await Tool.founded()
    let device = try await id(laptop)
    let wrong = (device.first == "A" ? "B" : "A") + device.dropFirst()
    #expect(try await laptop.run("revoke", wrong, "--yes").status == 65)
    #expect(try await laptop.run("peers", "rename", wrong, "x").status == 65)
  }

  /// Both ends in pipes, whose words are read as they come.
  @Test(arguments: [true, false])
  func aSpokenCodeLetsInWhoHasItOnce(isRight: Bool) async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let inviting = try Conversation(laptop, "invite", "--code", "--json")
    let code = try #require(try inviting.line(after: "Code: "))
    var said = code
    if !isRight { said = code.hasPrefix("acme") ? "zulu-zulu-zulu" : "acme-acme-acme" }
    let joining = try Conversation(tablet, "join", "--code", "--connect", agent.address, "--name", "tablet")
    joining.type(said)
    if isRight {
      let there = try #require(try joining.line(after: "Check words: "))
      joining.type("y")
      let here = try #require(try inviting.line(after: "Check words: "))
      #expect(here == there && here.split(separator: "-").count == 4)
      inviting.type("y")
    }
    #expect(joining.end() == (isRight ? 0 : 4))
    #expect(inviting.end() == (isRight ? 0 : 4))
    // It is used up either way.
    let again = try Tool()
    let second = try await again.run("join", "--code", "--connect", agent.address, input: code + "\ny\n")
    #expect(second.status == 4)
    #expect(try await again.run("join", "--code", "--connect", agent.address, input: "no such words\n").status == 65)
    if isRight { #expect(try await tablet.run("sync", "--connect", agent.address).status == 0) }
  }

  @Test func whatTheInvitingUserDeniesIsNotLetIn() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let inviting = try Conversation(laptop, "invite", "--code")
    let code = try #require(try inviting.line(after: "Code: "))
    let joining = try Conversation(tablet, "join", "--code", "--connect", agent.address)
    joining.type(code)
    _ = try joining.line(after: "Check words: ")
    joining.type("y")
    _ = try inviting.line(after: "Check words: ")
    inviting.type("n")
    #expect(joining.end() == 4)
    #expect(inviting.end() == 77)
    let peers = try await laptop.run("peers", "--json").json()["peers"] as? [[String: Any]]
    #expect(peers?.count == 1)
  }

  /// Whoever shows a code is told when nobody answers any more, also once it was tried.
  @Test func aCodeWhoseAgentStopsIsNotWaitedFor() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let inviting = try Conversation(laptop, "invite", "--code")
    let joining = try Conversation(tablet, "join", "--code", "--connect", agent.address)
    joining.type(try #require(try inviting.line(after: "Code: ")))
    _ = try joining.line(after: "Check words: ")
    kill(agent.processID, SIGKILL)
    #expect(inviting.end() == 69)
    joining.type("n")
    #expect(joining.end() == 77)
  }

  @Test func wipingLeavesNoFileOfTheHome() async throws {
    let laptop = try await Tool.founded()
    #expect(try await laptop.run("put", "notes", "today", "text=dry").status == 0)
    #expect(try await laptop.run("invite", "--quiet").status == 0)
    #expect(try await laptop.run("peers", "rename", try await id(laptop), "mine").status == 0)
    let agent = try await AgentProcess(laptop)
    #expect(try await laptop.run("wipe", "--yes").status == 75, "an agent runs")
    agent.stop()
    try laptop.write([1], to: "home/not ours")
    #expect(try await laptop.run("wipe", input: "n\n").status == 77)
    #expect(try await laptop.run("wipe", "--yes").status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: laptop.home) == ["not ours"])
    #expect(try await laptop.run("id").status == 78)
  }

  @Test func aCodeNeedsAnAgentAndAnAdmin() async throws {
    let laptop = try await Tool.founded()
    #expect(try await laptop.run("invite", "--code").status == 69)
    #expect(try await laptop.run("invite", "--code", "--qr").status == 64)
    let typed = try await laptop.run("join", "--code", "acme-acme-acme", "--connect", "tcp://127.0.0.1:1")
    #expect(typed.status == 64, "a code is no argument")
  }

  @Test(arguments: ["--qr", "--ascii"])
  func aPictureOfTheTerminalLetsADeviceIn(flag: String) async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let agent = try await AgentProcess(laptop)
    let shown = try await laptop.run("invite", flag, "--quiet").output.split(separator: "\n").map(String.init)
    #expect(shown.last?.hasPrefix("fieldsync:join/1/") == true, "the text is beside it")
    try tablet.write(TerminalPicture.png(of: Array(shown.dropLast())), to: "screen.png")
    let joined = try await tablet.run("join", "--scan", "screen.png", "--connect", agent.address, "--name", "tablet")
    #expect(joined.status == 0, "\(joined.errors)")
    try tablet.write([1, 2, 3], to: "noise.png")
    #expect(try await tablet.run("join", "--scan", "noise.png", "--connect", agent.address).status == 65)
  }
}
