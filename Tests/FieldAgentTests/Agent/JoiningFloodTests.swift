import FieldCore
import FieldTesting
import FieldWire
import Foundation
import Logging
import Sodium
import Testing

@testable import FieldAgent

/// Whoever holds an open invitation opens sessions with it, and asks for nothing.
@Suite(.timeLimit(.minutes(1)))
struct JoiningFloodTests {
  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  @Test func adversarySessionsOfOneInvitationAreBounded() async throws {
    let home = try await Home(directory: temporary / "home").create(name: "laptop")
    let invitation = try home.invite(role: .member, lifetime: .seconds(600))
    let network = SimulatedAir(kind: .lan)
    let agent = Agent(
      home: home, transports: [network.transport(named: "laptop", cost: .wired)],
      logger: Logger(label: "agent") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await agent.run() }
    defer { running.cancel() }
    let transport = network.transport(named: "flood", cost: .wired)
    network.bringTogether("laptop", "flood")
    var sessions: [Session] = []
    await #expect(throws: (any Error).self) {
      while sessions.count < 2 * AgentLimits.sessionCount {
        let connection = try await transport.connect(to: network.address(of: "laptop"))
        let establisher = SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock())
        sessions.append(
          try await establisher.initiate(
            on: connection, with: .invitation(secret: invitation.secret, workspace: invitation.workspace)))
      }
    }
    // Handshakes that are under way when the limit is reached may still come to their end.
    let most = AgentLimits.joiningCount + AgentLimits.handshakeCount
    #expect((AgentLimits.joiningCount...most).contains(sessions.count))
  }
}
