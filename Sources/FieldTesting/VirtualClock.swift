import Synchronization

/// A clock whose time moves only when told, so that deadlines of seconds pass in microseconds.
///
/// ``advance(by:)`` and ``run(until:within:)`` go from sleeper to sleeper and let the tasks settle in between. Settled
/// means that for ``settlingTime`` of real time nobody has read the clock, slept or woken: enough for code that waits
/// on this clock and on memory, not for code that waits on sockets or on a disk.
public final class VirtualClock: Clock, Sendable {
  public struct Instant: InstantProtocol {
    /// Since the clock was made.
    public var offset: Duration

    public init(offset: Duration) { self.offset = offset }

    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [UInt64: (deadline: Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
    var sleeperCount: UInt64 = 0
    var activityCount: UInt64 = 0
  }

  private let state = Mutex(State())
  private let settlingTime: Duration

  public init(settlingTime: Duration = .milliseconds(4)) {
    self.settlingTime = settlingTime
  }

  public var minimumResolution: Duration { .nanoseconds(1) }

  public var now: Instant {
    state.withLock { state in
      state.activityCount += 1
      return state.now
    }
  }

  /// Tasks that sleep on this clock.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = state.withLock { state in
      state.sleeperCount += 1
      state.activityCount += 1
      return state.sleeperCount
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          if deadline <= state.now { return .success(()) }
          state.sleepers[id] = (deadline, continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.activityCount += 1
        return state.sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Moves time on, waking each sleeper at its own time.
  public func advance(by duration: Duration) async {
    let target = state.withLock { $0.now.advanced(by: duration) }
    await settle()
    while wakeNext(upTo: target) { await settle() }
    state.withLock { $0.now = max($0.now, target) }
  }

  /// Moves time on, from sleeper to sleeper, until `condition` is true.
  ///
  /// - Parameter limit: The virtual time that may pass. Without sleepers nothing can happen any more, and it is given
  ///   up.
  /// - Returns: Whether the condition came true.
  public func run(until condition: () async -> Bool, within limit: Duration) async -> Bool {
    let target = state.withLock { $0.now.advanced(by: limit) }
    while true {
      if await condition() { return true }
      await settle()
      if await condition() { return true }
      guard wakeNext(upTo: target) else { return false }
    }
  }

  /// Runs `body` to its end while time moves on whenever nothing else happens.
  ///
  /// - Parameter limit: The virtual time after which time stands still again, so that a hang shows as one.
  @discardableResult
  public func advancing<Value: Sendable>(
    within limit: Duration = .seconds(3600), _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let target = state.withLock { $0.now.advanced(by: limit) }
    let advance = Task {
      while !Task.isCancelled {
        await settle()
        _ = wakeNext(upTo: target)
      }
    }
    defer { advance.cancel() }
    return try await body()
  }

  /// Waits until the tasks that use this clock have come to rest.
  public func settle() async {
    let real = ContinuousClock()
    var seen = state.withLock { $0.activityCount }
    var since = real.now
    while real.now - since < settlingTime, !Task.isCancelled {
      await Task.yield()
      let count = state.withLock { $0.activityCount }
      if count != seen {
        seen = count
        since = real.now
      }
    }
  }

  /// Sets the time to the next sleeper's and wakes it and those of the same time.
  ///
  /// - Returns: Whether there was one, up to `target`.
  package func wakeNext(upTo target: Instant) -> Bool {
    let woken = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
      guard let next = state.sleepers.values.map(\.deadline).min(), next <= target else { return [] }
      state.now = max(state.now, next)
      state.activityCount += 1
      let due = state.sleepers.filter { $0.value.deadline <= next }.sorted { $0.key < $1.key }
      for (id, _) in due { state.sleepers.removeValue(forKey: id) }
      return due.map(\.value.continuation)
    }
    for continuation in woken { continuation.resume() }
    return !woken.isEmpty
  }
}
