import FieldCore
import FieldTesting
import Testing

@Suite struct VirtualClockTests {
  @Test func sleepersWakeInTheOrderOfTheirDeadlines() async throws {
    let clock = VirtualClock()
    let woken = Monitor<[Int]>([])
    let tasks = [3, 1, 2].map { second in
      Task {
        try await clock.sleep(for: .seconds(second))
        woken.withLock { $0.append(second) }
      }
    }
    let sleeping = await clock.run(until: { clock.sleeperCount == 3 }, within: .zero)
    #expect(sleeping)
    await clock.advance(by: .seconds(2))
    #expect(woken.withLock { $0 } == [1, 2])
    #expect(clock.now.offset == .seconds(2))
    await clock.advance(by: .seconds(1))
    for task in tasks { try await task.value }
    #expect(woken.withLock { $0 } == [1, 2, 3])
  }

  @Test func aCancelledSleepThrows() async throws {
    let clock = VirtualClock()
    let task = Task { try await clock.sleep(for: .seconds(1)) }
    await clock.settle()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(clock.sleeperCount == 0)
  }

  @Test func runGivesUpAtItsLimit() async throws {
    let clock = VirtualClock()
    let task = Task { try await clock.sleep(for: .seconds(10)) }
    let isWoken = await clock.run(until: { false }, within: .seconds(9))
    #expect(!isWoken)
    #expect(clock.now.offset == .zero)
    task.cancel()
  }

  @Test func advancingRunsTimeWhileTheBodyWaits() async throws {
    let clock = VirtualClock()
    let total = try await clock.advancing {
      for _ in 0..<5 { try await clock.sleep(for: .seconds(100)) }
      return clock.now.offset
    }
    #expect(total == .seconds(500))
  }
}
