import FieldTesting
import FieldWire
import Synchronization
import Testing

@testable import FieldCore

@Suite struct PassBudgetTests {
  private final class Time: Sendable {
    let now = Mutex(Duration.zero)
    func advance(by duration: Duration) { now.withLock { $0 += duration } }
  }

  @Test func aPeerPaysForItsPassesAndNotForOthers() {
    let time = Time()
    let budget = PassBudget { time.now.withLock { $0 } }
    let (one, other) = (DeviceKey(words: (1, 1, 1, 1)), DeviceKey(words: (2, 2, 2, 2)))
    let total: UInt64 = 1_000_000
    var count = 0
    while budget.take(total, of: total, for: one) { count += 1 }
    #expect(count == Int(PassBudget.passCount))
    #expect(!budget.take(total, of: total, for: one) && budget.take(total, of: total, for: other))
    // Small scopes cost little, but are not free.
    #expect(!budget.take(1, of: total, for: one))
    time.advance(by: PassBudget.window / 64)
    #expect(budget.take(total / 2, of: total, for: one))
    time.advance(by: PassBudget.window)
    #expect(budget.take(total, of: total, for: one))
    #expect(!budget.take(.max / 2, of: 10, for: other))
  }

  /// Looking through everything without finding anything is paid for, too: by time, and a summary not at all.
  @Test(.timeLimit(.minutes(1))) func scansThatFindNothingArePaidFor() async throws {
    let village = try await Village.make(memberCount: 1)
    try await village.write(StoreLimits.idCount + 200, at: 0)
    let (source, member) = (village.residents[0], village.residents[1])
    let (near, far) = try await village.session(from: member, to: source)
    let clock = VirtualClock()
    let began = clock.now
    let budget = PassBudget { clock.now.offset - began.offset }
    let server = StoreServer(store: source.store, secrets: far.secrets, budget: budget, clock: clock)
    let remote = RemoteStore(session: near)
    try await SimulatedThread.run(clock) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = await near.run() }
        group.addTask { _ = await far.run() }
        group.addTask {
          for await stream in far.incoming {
            if let request = try? await stream.receive() { await server.answer(request, on: stream, from: nil) }
          }
        }
        let nobody = EntryFilter(author: DeviceKey(words: (1, 1, 1, 1)))
        let key = remote.peerSummaryKey(attempt: 0)
        func look() async throws -> Duration {
          let start = clock.now
          #expect(try await remote.scan(since: nil, limit: 10, filter: nobody).listings.isEmpty)
          return clock.now.offset - start.offset
        }
        #expect(try await look() == .zero)
        _ = try await remote.bloomSummary(of: .workspace, key: key, bitsPerEntry: 10)
        for count in [1000, 1] as [UInt64] { while budget.take(count, of: 1000, for: member.device) {} }
        await #expect(throws: StoreError(.refused, "")) {
          _ = try await remote.bloomSummary(of: .workspace, key: key, bitsPerEntry: 10)
        }
        #expect(try await look() > .seconds(1))
        await near.close(.done)
      }
    }
  }

  @Test func passesCanBeRefused() throws {
    let secrets = ReconcileSecrets(handshakeHash: [UInt8](repeating: 1, count: 64))
    let head = StoreHead(
      epoch: StoreEpoch(rawValue: 1), arrival: 5000, entryCount: 5000, digest: [UInt8](repeating: 2, count: 32))
    var reconciler = Reconciler(
      role: .opener, own: ReconcileFacts(head: head), secrets: secrets, planner: LadderPlanner(link: .bluetooth))
    guard case .pass = reconciler.start().last else {
      Issue.record("no pass")
      return
    }
    let actions = reconciler.passRefused()
    guard case .finished(.undecided) = actions.last else {
      Issue.record("goes on without a pass")
      return
    }
    #expect(actions.contains { if case .send = $0 { true } else { false } }, "the peer is told")
  }
}
