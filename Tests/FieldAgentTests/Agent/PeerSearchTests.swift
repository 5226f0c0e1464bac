import FieldCore
import Testing

@testable import FieldAgent

/// Looking for the one device near that gave out an invitation.
struct PeerSearchTests {
  private struct Surroundings: NetworkTransport {
    let kind = TransportKind.simulated
    let cost = TransportCost.localRadio
    var near: [PeerAddress] = []
    var condition: TransportCondition?

    func sightings() -> AsyncStream<PeerSighting> {
      AsyncStream { stream in
        for address in near { stream.yield(PeerSighting(address: address, change: .appeared)) }
        for address in near { stream.yield(PeerSighting(address: address, change: .vanished)) }
        for address in near { stream.yield(PeerSighting(address: address, change: .appeared)) }
      }
    }

    func conditions() -> AsyncStream<TransportCondition?> { AsyncStream { $0.yield(condition) } }

    func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
      throw TransportError(.unreachable, "nobody")
    }

    func incomingConnections() -> AsyncStream<any TransportConnection> { AsyncStream { $0.finish() } }
    func run() async throws(TransportError) {}
  }

  private let places = ["one", "two", "three"].map { PeerAddress(kind: .simulated, location: $0) }

  @Test func theWrongOnesAreTriedOnceAndThoseOutOfReachAgain() async throws {
    let client = PeerClient(transports: [Surroundings(near: places)])
    var tried: [String] = []
    let found = try await client.search { address in
      tried.append(address.location)
      switch address.location {
      case "one": throw AgentError(.peerRefused, "another workspace's")
      case "two": throw AgentError(.peerNotFound, "too far")
      default: if tried.count(where: { $0 == "three" }) < 2 { throw AgentError(.incomplete, "the link was lost") }
      }
      return address
    }
    #expect(found.location == "three")
    #expect(tried.count { $0 == "one" } == 1 && tried.count { $0 == "three" } == 2)
    #expect((1...3).contains(tried.count { $0 == "two" }))
  }

  @Test func whatThePersonSaysEndsIt() async throws {
    let client = PeerClient(transports: [Surroundings(near: places)])
    var count = 0
    await #expect(throws: AgentError(.notAllowed, "")) {
      try await client.search { _ in
        count += 1
        throw AgentError(.notAllowed, "the words are not the same")
      }
    }
    #expect(count == 1)
  }

  @Test func whoIsNotFoundIsToldWhy() async throws {
    let condition = TransportCondition(
      code: "off", reason: "the adapter is off", remedy: "switch it on", isUsable: false)
    let client = PeerClient(transports: [Surroundings(condition: condition)])
    let error = await #expect(throws: AgentError.self) {
      try await client.search(within: .milliseconds(200)) { _ in Issue.record("nobody is there") }
    }
    #expect(error?.code == .peerNotFound)
    #expect(error?.message.contains("the adapter is off") == true && error?.hint.contains("switch it on") == true)
  }
}
