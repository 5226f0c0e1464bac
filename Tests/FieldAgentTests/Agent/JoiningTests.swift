import FieldCore
import FieldTesting
import Foundation
import Logging
import Testing

@testable import FieldAgent

/// A device that asks to be let in, and the agent that is asked, over a simulated LAN in real time.
@Suite(.timeLimit(.minutes(2)))
struct JoiningTests {
  private let temporary: TemporaryDirectory
  private let network = SimulatedAir(kind: .lan)

  init() throws { temporary = try TemporaryDirectory() }

  /// Runs a laptop's agent meanwhile.
  private func withAgent(_ body: (_ laptop: OpenHome, _ client: PeerClient) async throws -> Void) async throws {
    let laptop = try await Home(directory: temporary / "laptop").create(name: "laptop")
    let agent = Agent(
      home: laptop, transports: [network.transport(named: "laptop", cost: .wired)],
      logger: Logger(label: "laptop") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await agent.run() }
    network.bringTogether("laptop", "tablet")
    let client = PeerClient(transports: [network.transport(named: "tablet", cost: .wired)])
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(laptop, client))
    } catch {
      result = .failure(error)
    }
    running.cancel()
    _ = await running.result
    try result.get()
  }

  @Test(arguments: [1, 64, 66, Identity.nameByteLimit])
  func whatADeviceMayBeCalledItMayBeLetInAs(byteCount: Int) async throws {
    let name = byteCount == 1 ? "n" : String(repeating: "ж", count: byteCount / 2)
    try await withAgent { laptop, client in
      let invitation = try laptop.invite(role: .member, lifetime: .seconds(60))
      let tablet = try await client.join(
        invitation, home: Home(directory: temporary / "tablet"), name: name, at: network.address(of: "laptop"))
      #expect(tablet.members.first { $0.device == tablet.identity.device }?.name == name)
    }
  }
}
