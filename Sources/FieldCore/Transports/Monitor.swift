import Synchronization

/// State behind a lock, on whose changes tasks can wait.
package final class Monitor<State: Sendable>: Sendable {
  private struct Waiter {
    var id: UInt64
    var condition: @Sendable (State) -> Bool
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct Guarded {
    var state: State
    var waiters: [Waiter] = []
    var waiterCount: UInt64 = 0
  }

  private let guarded: Mutex<Guarded>

  package init(_ state: State) { guarded = Mutex(Guarded(state: state)) }

  /// Reads or changes the state, then wakes those whose condition has come true.
  package func withLock<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
    let (value, woken) = guarded.withLock { guarded in
      let value = body(&guarded.state)
      guard !guarded.waiters.isEmpty else { return (value, [] as [Waiter]) }
      let state = guarded.state
      let split = guarded.waiters.partition { $0.condition(state) }
      let woken = Array(guarded.waiters[split...])
      guarded.waiters.removeSubrange(split...)
      return (value, woken)
    }
    // Outside of the lock: a task that is just being cancelled cannot be resumed before its handler below has had the
    // lock.
    for waiter in woken { waiter.continuation.resume() }
    return value
  }

  /// Returns when `condition` is true, or when the task is cancelled.
  package func wait(until condition: @escaping @Sendable (State) -> Bool) async {
    let id = guarded.withLock { guarded in
      guarded.waiterCount += 1
      return guarded.waiterCount
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = guarded.withLock { guarded in
          if condition(guarded.state) || Task.isCancelled { return true }
          guarded.waiters.append(Waiter(id: id, condition: condition, continuation: continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = guarded.withLock { guarded in
        guarded.waiters.firstIndex { $0.id == id }.map { guarded.waiters.remove(at: $0) }
      }
      waiter?.continuation.resume()
    }
  }
}
