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
    guarded.withLock { guarded in
      let value = body(&guarded.state)
      if !guarded.waiters.isEmpty {
        let state = guarded.state
        guarded.waiters.removeAll { waiter in
          guard waiter.condition(state) else { return false }
          waiter.continuation.resume()
          return true
        }
      }
      return value
    }
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
