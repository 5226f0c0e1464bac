import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct NetworkTests {
  @Test func twoDevicesJoinAndComeToHoldTheSame() async throws {
    let laptop = try await Tool.founded()
    let tablet = try Tool()
    for index in 0..<20 {
      try laptop.write(
        (0..<index * 7001).map { UInt8(truncatingIfNeeded: $0 * index) }, to: "in/folder \(index % 3)/\(index)")
    }
    #expect(try await laptop.run("import", "survey", "in").status == 0)
    #expect(try await laptop.run("put", "notes", "today", "text=dry").status == 0)
    let agent = try await AgentProcess(laptop)
    #expect(try await laptop.run("status", "--json").json()["agentRunning"] as? Bool == true)

    let invitation = try await laptop.run("invite", "--quiet").output
    let joined = try await tablet.run(
      "join", "-", "--connect", agent.address, "--name", "tablet", "--json", input: invitation)
    #expect(joined.status == 0, "\(joined.errors)")
    #expect(try joined.json()["role"] as? String == "member")

    let peers = try await laptop.run("status", "--json").json()["peers"] as? [[String: Any]]
    #expect(peers?.first?["name"] as? String == "tablet")
    #expect(peers?.first?["role"] as? String == "member")

    let synced = try await tablet.run("sync", "--connect", agent.address, "--json")
    #expect(synced.status == 0, "\(synced.errors)")
    #expect(try synced.json()["equal"] as? Bool == true)
    #expect(try await tablet.run("export", "survey", "out").status == 0)
    #expect(try tablet.files(under: "out") == laptop.files(under: "in"))
    #expect(try await tablet.run("verify").status == 0)

    #expect(try await tablet.run("put", "notes", "today", "text=wet", "by=tablet").status == 0)
    #expect(try await tablet.run("rm", "survey", "folder 0/0").status == 0)
    #expect(try await tablet.run("sync", "--connect", agent.address).status == 0)
    let fields = try await laptop.run("get", "notes", "today").json()["fields"] as? [String: Any]
    #expect(fields?["text"] as? String == "wet")
    #expect(try await laptop.run("get", "survey", "folder 0/0").status == 66)
    let here = try await laptop.run("status", "--json").json()["databases"] as? [[String: Any]]
    let there = try await tablet.run("status", "--json").json()["databases"] as? [[String: Any]]
    #expect(here?.count == 2)
    #expect(
      Set(here?.compactMap { $0["digest"] as? String } ?? [])
        == Set(there?.compactMap { $0["digest"] as? String } ?? []))
  }

  @Test func anInvitationLetsOneDeviceIn() async throws {
    let laptop = try await Tool.founded()
    let agent = try await AgentProcess(laptop)
    let invitation = try await laptop.run("invite", "--quiet").output
    let first = try Tool()
    let second = try Tool()
    #expect(try await first.run("join", "-", "--connect", agent.address, input: invitation).status == 0)
    let refused = try await second.run("join", "-", "--connect", agent.address, "--json", input: invitation)
    #expect(refused.status == 4)
    #expect(try refused.errorJSON()["code"] as? String == "peerRefused")
    #expect(try await second.run("ls").status == 77, "joining, and not a member")
    let again = try await laptop.run("invite", "--quiet").output.trimmingCharacters(in: .newlines)
    let joined = try await second.run("join", again, "--connect", agent.address)
    #expect(joined.status == 0 && joined.errors.contains("'join -'"), "\(joined.errors)")
  }

  @Test func anInvitationAmongTheArgumentsIsOverwritten() async throws {
    let laptop = try await Tool.founded()
    let invitation = try await laptop.run("invite", "--quiet").output.trimmingCharacters(in: .newlines)
    // Nobody answers there, so the command is still running when it is looked at.
    let silence = try SilentListener()
    defer { withExtendedLifetime(silence) {} }
    let tablet = try Tool()
    let joining = try tablet.makeProcess(["join", invitation, "--connect", silence.address])
    joining.standardError = FileHandle.nullDevice
    try joining.run()
    defer { joining.terminate() }
    let path = "/proc/\(joining.processIdentifier)/cmdline"
    var shown = try String(contentsOfFile: path, encoding: .utf8)
    while !shown.contains("xxxxxxxx"), joining.isRunning {
      await Task.yield()
      shown = try String(contentsOfFile: path, encoding: .utf8)
    }
    #expect(shown.contains("join\0xxxxxxxx") && !shown.contains(invitation), "\(shown)")
  }

  @Test func aRelayCarriesWhatItCannotRead() async throws {
    let laptop = try await Tool.founded()
    let agent = try await AgentProcess(laptop)
    #expect(try await laptop.run("put", "notes", "canary-name", "text=canary-value").status == 0)
    let relay = try Tool()
    let invitation = try await laptop.run("invite", "--role", "relay", "--quiet").output
    #expect(try await relay.run("join", "-", "--connect", agent.address, input: invitation).status == 0)
    #expect(try await relay.run("sync", "--connect", agent.address).status == 0)
    let databases = try #require(try await relay.run("status", "--json").json()["databases"] as? [[String: Any]])
    #expect(databases.first?["entries"] as? Int == 2)
    #expect(databases.first?["name"] is NSNull)
    #expect(try await relay.run("get", "notes", "canary-name").status == 77)
    for (name, bytes) in try relay.files(under: "home") {
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("canary") && !text.contains("notes"), "\(name)")
    }
  }

  @Test func badAddressesAndInvitationsSayWhatIsWrong() async throws {
    let laptop = try await Tool.founded()
    let invitation = try await laptop.run("invite", "--quiet").output.trimmingCharacters(in: .newlines)
    let tablet = try Tool()
    let cut = String(invitation.dropLast())
    #expect(try await tablet.run("join", "-", "--connect", "tcp://127.0.0.1:1", input: cut).status == 65)
    #expect(try await tablet.run("join", "-", "--connect", "tcp://", input: invitation).status == 65)
    #expect(try await tablet.run("join", "-", "--connect", "tcp://127.0.0.1:1", input: invitation).status == 3)
    #expect(try await tablet.run("join", cut, "--connect", "tcp://127.0.0.1:1").status == 65)
    #expect(try await laptop.run("sync", "--connect", "tcp://127.0.0.1:1").status == 3)
    #expect(try await laptop.run("agent", "--no-ble", "--no-lan").status == 64)
    #expect(try await laptop.run("agent", "--no-ble", "--listen", "nowhere").status == 65)
  }

  @Test func eventsAreNumberedAndAGapShows() async throws {
    let laptop = try await Tool.founded()
    #expect(try await laptop.run("events").output == "")
    for count in 1...3 {
      let agent = try await AgentProcess(laptop)
      let deadline = ContinuousClock.now + .seconds(20)
      while try await laptop.run("events").output.split(separator: "\n").count < count {
        try #require(ContinuousClock.now < deadline, "the agent does not say that it has started")
      }
      agent.stop()
    }
    let events = try await laptop.run("events", "--json").output.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(events.map { $0?["id"] as? Int } == [1, 2, 3])
    #expect(events.allSatisfy { $0?["type"] as? String == "agentStarted" && $0?["schema"] as? Int == 1 })
    #expect(try await laptop.run("events", "--since", "3").output == "")
    // The oldest are gone.
    let path = laptop.home + "/agent-events"
    let kept = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").suffix(1)
    try (kept.joined() + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let lines = try await laptop.run("events", "--since", "1", "--json").output.split(separator: "\n")
    #expect(lines.count == 2 && lines.first?.contains(#""type":"gap","first":2,"last":2"#) == true, "\(lines)")
  }

  @Test func strangersAndSecondAgentsAreRefused() async throws {
    let laptop = try await Tool.founded()
    let agent = try await AgentProcess(laptop)
    #expect(try await laptop.run("agent", "--no-ble", "--listen", "127.0.0.1:0").status == 75)
    let stranger = try await Tool.founded()
    #expect(try await stranger.run("sync", "--connect", agent.address).status == 4)
    agent.stop()
    #expect(try await laptop.run("status", "--json").json()["agentRunning"] as? Bool == false)
  }
}
