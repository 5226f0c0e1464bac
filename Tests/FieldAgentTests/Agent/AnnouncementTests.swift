import FieldCore
import FieldDocuments
import FieldTesting
import FieldWire
import Foundation
import Logging
import Synchronization
import Testing

@testable import FieldAgent

/// What an agent tells of itself: to those near, and to people.
@Suite(.timeLimit(.minutes(1)))
struct AnnouncementTests {
  /// Nobody is there, and what is announced is kept.
  private final class Announcer: NetworkTransport {
    private struct State {
      var beacons: [PresenceBeacon] = []
      /// The call, counted from 1, that returns only when it is let go.
      var heldCall: Int?
      var waiter: CheckedContinuation<Void, Never>?
    }

    let kind: TransportKind
    let cost: TransportCost
    private let state: Mutex<State>

    init(_ kind: TransportKind, cost: TransportCost, heldCall: Int? = nil) {
      self.kind = kind
      self.cost = cost
      state = Mutex(State(heldCall: heldCall))
    }

    var beacons: [PresenceBeacon] { state.withLock { $0.beacons } }
    var isHeld: Bool { state.withLock { $0.waiter != nil } }

    func letGo() {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume()
    }

    func announce(_ beacon: PresenceBeacon) async {
      await withCheckedContinuation { continuation in
        let isHeld = state.withLock { state in
          state.beacons.append(beacon)
          guard state.beacons.count == state.heldCall else { return false }
          state.waiter = continuation
          return true
        }
        if !isHeld { continuation.resume() }
      }
    }

    func sightings() -> AsyncStream<PeerSighting> { AsyncStream { $0.finish() } }
    func incomingConnections() -> AsyncStream<any TransportConnection> { AsyncStream { $0.finish() } }
    func run() async throws(TransportError) {}
    func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
      throw TransportError(.unreachable, "nobody")
    }
  }

  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private func agent(_ home: OpenHome, _ transports: [any NetworkTransport]) -> Agent {
    Agent(
      home: home, transports: transports, logger: Logger(label: "agent") { _ in SwiftLogNoOpLogHandler() })
  }

  private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
      try #require(ContinuousClock.now < deadline, "waited in vain for \(what)")
      try await ContinuousClock().sleep(for: .milliseconds(20))
    }
  }

  /// A transport that takes its time must not let another one announce what is out of date.
  @Test func anOlderBeaconNeverFollowsANewerOne() async throws {
    let home = try await Home(directory: temporary / "home").create(name: "laptop")
    let slow = Announcer(.lan, cost: .wired, heldCall: 2)
    let other = Announcer(.bluetooth, cost: .shortRangeRadio)
    let running = Task { [agent = agent(home, [slow, other])] in try await agent.run() }
    defer { running.cancel() }
    let notes = try home.database(named: "notes")
    try await eventually("the first beacon") { other.beacons.count == 1 }
    try await notes.put("one", set: ["text": .text("1")])
    try await eventually("the second beacon") { slow.isHeld }
    try await notes.put("two", set: ["text": .text("2")])
    try await eventually("the third beacon") { slow.beacons.count >= 3 && other.beacons.last == slow.beacons.last }
    slow.letGo()
    let count = slow.beacons.count
    try await notes.put("three", set: ["text": .text("3")])
    try await eventually("one more") { slow.beacons.count > count && other.beacons.last == slow.beacons.last }
    let order = other.beacons.compactMap { slow.beacons.firstIndex(of: $0) }
    #expect(order == order.sorted())
  }

  /// Events are written, and do not pile up, while the status cannot be.
  @Test func eventsAreWrittenWhileTheStatusCannotBe() async throws {
    let home = try await Home(directory: temporary / "home").create(name: "laptop")
    try FileManager.default.createDirectory(
      atPath: home.home.statusPath + "/in-the-way", withIntermediateDirectories: true)
    let running = Task { [agent = agent(home, [])] in try await agent.run() }
    defer { running.cancel() }
    try await eventually("the first event") {
      EventLog.events(in: home.home.eventsPath).map(\.type).contains(.agentStarted)
    }
  }
}
