import FieldCore
import FieldTesting
import Foundation
import Logging
import Sodium
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

  /// A session that a code began, the inviting side first.
  private static func sessions(_ host: JoiningHost, clock: any Clock<Duration>) async throws -> (Session, Session) {
    let pair = ConnectionPair()
    let code = try CodeBook.bytes(of: try host.home.home.code.open(role: .member).text)
    async let joining = SessionEstablisher(identity: SigningKeyPair(), clock: clock)
      .initiate(on: pair.first, withCode: code)
    let inviting = try await SessionEstablisher(identity: host.home.identity.keyPair, clock: clock)
      .respond(on: pair.second, with: [], claimCode: { host.claimCode() })
    return (inviting, try await joining)
  }

  private func host(_ home: OpenHome, clock: any Clock<Duration>) -> JoiningHost {
    JoiningHost(home: home, clock: clock, logger: Logger(label: "host") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Its user has said yes, and then the device may not let anybody in: whoever showed the code hears of it.
  @Test func aCodeThatWasConfirmedInVainHasFailed() async throws {
    let laptop = try await Home(directory: temporary / "laptop").create(name: "laptop")
    let home = Home(directory: temporary / "tablet")
    let identity = try home.beginJoining(try laptop.invite(role: .member, lifetime: .seconds(60)), name: "tablet")
    let tablet = try await home.finishJoining(laptop.admit(identity.device, named: "tablet", as: .member))
    let host = host(tablet, clock: ContinuousClock())
    let (inviting, joining) = try await Self.sessions(host, clock: ContinuousClock())
    let running = Task { await joining.run() }
    let asking = Task { try await Joining.ask(as: "phone", in: joining) }
    async let letIn: Void = host.letIn(inviting)
    while try home.code.entry()?.state != .asking { try await ContinuousClock().sleep(for: .milliseconds(10)) }
    #expect(try home.code.advance(try #require(try home.code.entry()), to: .confirmed))
    await #expect(throws: SessionError(.refused, "")) { try await asking.value }
    await letIn
    _ = await running.value
    #expect(try home.code.entry()?.state == .failed)
  }

  /// Somebody who knows the code opens a session with it and never asks.
  @Test func aCodeWhoseHolderNeverAsksHasFailed() async throws {
    let laptop = try await Home(directory: temporary / "laptop").create(name: "laptop")
    let clock = VirtualClock()
    let host = host(laptop, clock: clock)
    try await SimulatedThread.run(clock, within: .seconds(600)) {
      let (inviting, joining) = try await Self.sessions(host, clock: clock)
      async let running = joining.run()
      await host.letIn(inviting)
      _ = await running
    }
    #expect(try laptop.home.code.entry()?.state == .failed)
  }

  /// An agent that is told to stop waits for nobody who is being let in.
  @Test func whoIsBeingLetInDoesNotHoldUpTheEnd() async throws {
    let laptop = try await Home(directory: temporary / "laptop").create(name: "laptop")
    let host = host(laptop, clock: ContinuousClock())
    let (inviting, joining) = try await Self.sessions(host, clock: ContinuousClock())
    let running = Task { await joining.run() }
    let letIn = Task { await host.letIn(inviting) }
    while try laptop.home.code.entry()?.state != .tried { try await ContinuousClock().sleep(for: .milliseconds(10)) }
    letIn.cancel()
    await letIn.value
    #expect(try laptop.home.code.entry()?.state == .failed)
    _ = await running.value
  }
}
