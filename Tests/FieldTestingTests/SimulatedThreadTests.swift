import FieldCore
import FieldTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct SimulatedThreadTests {
  @TaskLocal private static var mark = 0

  /// Defences are switched off by them.
  @Test func taskLocalValuesGoAlong() async throws {
    let seen = try await Self.$mark.withValue(7) {
      try await SimulatedThread.run(VirtualClock()) { await Task { Self.mark }.value }
    }
    #expect(seen == 7)
  }

  @Test func sleepersWakeInTheOrderOfTheirDeadlines() async throws {
    let clock = VirtualClock()
    let woken = try await SimulatedThread.run(clock) {
      await withTaskGroup(of: Int.self) { group in
        for second in [3, 1, 2] {
          group.addTask {
            try? await clock.sleep(for: .seconds(second))
            return second
          }
        }
        var woken: [Int] = []
        for await second in group {
          #expect(clock.now.offset == .seconds(second))
          woken.append(second)
        }
        return woken
      }
    }
    #expect(woken == [1, 2, 3])
  }

  @Test func aCancelledSleepThrows() async throws {
    let clock = VirtualClock()
    try await SimulatedThread.run(clock) {
      let task = Task { try await clock.sleep(for: .seconds(2)) }
      try await clock.sleep(for: .seconds(1))
      #expect(clock.sleeperCount == 1)
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(clock.sleeperCount == 0)
    }
    #expect(clock.now.offset == .seconds(1))
  }

  @Test func whatNobodyWillEverWakeIsGivenUp() async throws {
    let clock = VirtualClock()
    let forever = Monitor(false)
    await #expect(throws: SimulatedThread.Stuck.self) {
      try await SimulatedThread.run(clock) { await forever.wait { $0 } }
    }
    forever.withLock { $0 = true }
  }

  @Test func whatTakesLongerThanItsLimitIsGivenUp() async throws {
    let clock = VirtualClock()
    await #expect(throws: SimulatedThread.Stuck.self) {
      try await SimulatedThread.run(clock, within: .seconds(9)) { try await clock.sleep(for: .seconds(10)) }
    }
    #expect(clock.now.offset == .zero)
  }

  /// Time does not pass while something is computed, by however many tasks, and however long that takes.
  @Test func timeStandsStillWhileThereIsWork() async throws {
    let clock = VirtualClock()
    let sum = try await SimulatedThread.run(clock) {
      let timer = Task { try await clock.sleep(for: .nanoseconds(1)) }
      let sum = await withTaskGroup(of: Int.self) { group in
        for number in 0..<20 {
          group.addTask {
            for _ in 0..<50 { await Task.yield() }
            return clock.now.offset == .zero ? number : -1000
          }
        }
        return await group.reduce(0, +)
      }
      try await timer.value
      return sum
    }
    #expect(sum == 190)
  }
}
