import FieldCore
import Synchronization

/// Tells listeners of a store's head after each change. While anybody listens, two tasks run: one looks for other
/// processes' writes, the other reads the head after each signal and hands it out, so that heads come in order.
final class ChangeFeed: Sendable {
  private let head: @Sendable () async -> StoreHead?
  private let dataVersion: @Sendable () async -> Int64?
  private let interval: Duration
  private let clock: any Clock<Duration>
  private let state = Mutex(State())

  private struct Listener {
    let continuation: AsyncStream<StoreHead>.Continuation
    var last: StoreHead?
  }

  private struct State {
    var listeners: [UInt64: Listener] = [:]
    var listenerCount: UInt64 = 0
    var signal: AsyncStream<Void>.Continuation?
    var tasks: [Task<Void, Never>] = []
    var isFinished = false

    /// Ends the tasks when the last listener is gone.
    mutating func stopIfIdle() {
      guard listeners.isEmpty else { return }
      signal?.finish()
      signal = nil
      for task in tasks { task.cancel() }
      tasks = []
    }
  }

  /// - Parameters:
  ///   - head: Reads the head; `nil` when the store cannot say.
  ///   - dataVersion: A number that changes with each transaction of another process.
  init(
    interval: Duration, clock: any Clock<Duration>, head: @escaping @Sendable () async -> StoreHead?,
    dataVersion: @escaping @Sendable () async -> Int64?
  ) {
    self.interval = interval
    self.clock = clock
    self.head = head
    self.dataVersion = dataVersion
  }

  func listen() -> AsyncStream<StoreHead> {
    let (stream, continuation) = AsyncStream.makeStream(of: StoreHead.self, bufferingPolicy: .bufferingNewest(1))
    let key = state.withLock { state -> UInt64? in
      guard !state.isFinished else { return nil }
      state.listenerCount += 1
      state.listeners[state.listenerCount] = Listener(continuation: continuation)
      if state.signal == nil { start(&state) }
      state.signal?.yield()
      return state.listenerCount
    }
    if let key {
      continuation.onTermination = { [weak self] _ in
        self?.state.withLock { state in
          state.listeners[key] = nil
          state.stopIfIdle()
        }
      }
    } else {
      continuation.finish()
    }
    return stream
  }

  /// Something was written by this process.
  func signal() {
    state.withLock { _ = $0.signal?.yield() }
  }

  /// Ends every stream.
  func finish() {
    let listeners = state.withLock { state in
      let listeners = state.listeners.values.map(\.continuation)
      state.isFinished = true
      state.listeners = [:]
      state.stopIfIdle()
      return listeners
    }
    for listener in listeners { listener.finish() }
  }

  private func start(_ state: inout State) {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    state.signal = signal
    let announcing = Task {
      for await _ in signals {
        if let head = await self.head() { self.announce(head) }
      }
    }
    let polling = Task {
      var seen = await dataVersion()
      while !Task.isCancelled {
        do {
          try await clock.sleep(for: interval)
        } catch {
          return
        }
        let version = await dataVersion()
        if version != seen { signal.yield() }
        seen = version
      }
    }
    state.tasks = [announcing, polling]
  }

  /// Tells listeners outside the lock: one that is cancelled takes the lock while its own task is locked, and telling
  /// it locks its task. One task announces, so heads come in order.
  private func announce(_ head: StoreHead) {
    let listeners = state.withLock { state in
      let keys = state.listeners.filter { $0.value.last != head }.map(\.key)
      for key in keys { state.listeners[key]?.last = head }
      return keys.compactMap { state.listeners[$0]?.continuation }
    }
    for listener in listeners { listener.yield(head) }
  }
}
