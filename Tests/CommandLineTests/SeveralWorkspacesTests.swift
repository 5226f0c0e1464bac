import Foundation
import Testing

/// One agent that serves homes of several workspaces, as a gateway does.
@Suite(.timeLimit(.minutes(2)))
struct SeveralWorkspacesTests {
  @Test func oneAgentServesTwoWorkspacesAndNobodyElse() async throws {
    let (club, survey) = (try await Tool.founded(), try await Tool.founded())
    #expect(try await club.run("put", "notes", "today", "text=club").status == 0)
    #expect(try await survey.run("put", "notes", "today", "text=survey").status == 0)
    let agent = try await AgentProcess(club, "--home", club.home, "--home", survey.home)
    #expect(try await club.run("status", "--json").json()["agentRunning"] as? Bool == true)
    #expect(try await survey.run("status", "--json").json()["agentRunning"] as? Bool == true)

    // Each is let into the workspace that its invitation names, by the same address, and gets what is in that one.
    for (inviting, text) in [(club, "club"), (survey, "survey")] {
      let member = try Tool()
      let invitation = try await inviting.run("invite", "--quiet").output
      let joined = try await member.run("join", "-", "--connect", agent.address, input: invitation)
      #expect(joined.status == 0, "\(joined.errors)")
      let synced = try await member.run("sync", "--connect", agent.address, "--json")
      #expect(synced.status == 0, "\(synced.errors)")
      let fields = try await member.run("get", "notes", "today", "--json").json()["fields"] as? [String: Any]
      #expect(fields?["text"] as? String == text)
      #expect(try await member.run("put", "notes", "back", "text=\(text)").status == 0)
      #expect(try await member.run("sync", "--connect", agent.address).status == 0)
      #expect(try await inviting.run("get", "notes", "back", "--json").status == 0)
      #expect(try await member.run("verify").status == 0)
    }
    // Who is in neither gets nowhere.
    let stranger = try await Tool.founded()
    #expect(try await stranger.run("sync", "--connect", agent.address).status == 4)
    // Nothing has crossed from one to the other.
    for tool in [club, survey] {
      let databases = try await tool.run("status", "--json").json()["databases"] as? [[String: Any]]
      #expect(databases?.count == 1 && databases?.first?["entries"] as? Int == 3)
    }
  }

  @Test func otherCommandsTakeOneHome() async throws {
    let tool = try await Tool.founded()
    #expect(try await tool.run("status", "--home", tool.home, "--home", "other").status == 64)
    #expect(try await tool.run("--home", tool.home, "status").status == 0)
    // Both homes are locked, or none is served.
    #expect(try await tool.run("agent", "--no-ble", "--home", tool.home, "--home", "nowhere").status != 0)
    #expect(try await tool.run("status", "--json").json()["agentRunning"] as? Bool == false)
  }
}
