import FieldCore
import FieldWire
import Synchronization
import Testing

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
