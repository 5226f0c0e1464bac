import Synchronization

/// A value that changes, told to any number of listeners: what it is now, and then what it becomes. A slow listener
/// gets the newest.
package final class CurrentValue<Value: Sendable & Equatable>: Sendable {
  private struct State {
    var value: Value
    var listeners: [Int: AsyncStream<Value>.Continuation] = [:]
    var listenerCount = 0
    var isFinished = false
  }

  private let state: Mutex<State>

  package init(_ value: Value) { state = Mutex(State(value: value)) }

  package var value: Value { state.withLock { $0.value } }

  /// - Returns: Whether it is another value than before.
  @discardableResult
  package func set(_ value: Value) -> Bool {
    let listeners = state.withLock { state -> [AsyncStream<Value>.Continuation]? in
      guard state.value != value else { return nil }
      state.value = value
      return Array(state.listeners.values)
    }
    // Outside of the lock: a listener that is just being cancelled waits for it.
    for listener in listeners ?? [] { listener.yield(value) }
    return listeners != nil
  }

  package func values() -> AsyncStream<Value> {
    let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state -> Int? in
      continuation.yield(state.value)
      guard !state.isFinished else { return nil }
      state.listenerCount += 1
      state.listeners[state.listenerCount] = continuation
      return state.listenerCount
    }
    guard let id else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
    }
    return stream
  }

  package func finish() {
    let listeners = state.withLock { state in
      state.isFinished = true
      defer { state.listeners = [:] }
      return state.listeners
    }
    for listener in listeners.values { listener.finish() }
  }
}
