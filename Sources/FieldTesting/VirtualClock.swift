import Synchronization

/// A clock whose time moves only when told, so that deadlines of seconds pass in microseconds: a ``SimulatedThread``
/// goes from sleeper to sleeper whenever nothing else is left to do.
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
  }

  private let state = Mutex(State())

  public init() {}

  public var minimumResolution: Duration { .nanoseconds(1) }

  public var now: Instant { state.withLock { $0.now } }

  /// Tasks that sleep on this clock.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = state.withLock { state in
      state.sleeperCount += 1
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
      let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Sets the time to the next sleeper's and wakes it and those of the same time.
  ///
  /// - Returns: Whether there was one, up to `target`.
  package func wakeNext(upTo target: Instant) -> Bool {
    let woken = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
      guard let next = state.sleepers.values.map(\.deadline).min(), next <= target else { return [] }
      state.now = max(state.now, next)
      let due = state.sleepers.filter { $0.value.deadline <= next }.sorted { $0.key < $1.key }
      for (id, _) in due { state.sleepers.removeValue(forKey: id) }
      return due.map(\.value.continuation)
    }
    for continuation in woken { continuation.resume() }
    return !woken.isEmpty
  }
}
