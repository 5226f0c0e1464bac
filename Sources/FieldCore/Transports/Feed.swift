import Synchronization

/// A state that changes, and what there is to tell of it, for any number of listeners: first how it is, and then what
/// changes.
package final class Feed<State: Sendable, Element: Sendable>: Sendable {
  private struct Inside {
    var state: State
    var listeners: [Int: AsyncStream<Element>.Continuation] = [:]
    var listenerCount = 0
    var isFinished = false
  }

  private let inside: Mutex<Inside>
  private let queueCount: Int
  private let present: @Sendable (State) -> [Element]

  /// - Parameters:
  ///   - queueCount: Elements that wait in one stream; a listener that is slower loses the oldest.
  ///   - present: What a stream begins with.
  package init(_ state: State, queueCount: Int, present: @escaping @Sendable (State) -> [Element]) {
    inside = Mutex(Inside(state: state))
    self.queueCount = queueCount
    self.present = present
  }

  package var state: State { inside.withLock { $0.state } }

  package func elements() -> AsyncStream<Element> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Element.self, bufferingPolicy: .bufferingNewest(queueCount))
    let id = inside.withLock { inside -> Int? in
      for element in present(inside.state) { continuation.yield(element) }
      guard !inside.isFinished else { return nil }
      inside.listenerCount += 1
      inside.listeners[inside.listenerCount] = continuation
      return inside.listenerCount
    }
    guard let id else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.inside.withLock { _ = $0.listeners.removeValue(forKey: id) }
    }
    return stream
  }

  /// Changes the state, and tells what `body` returns. Called by one task at a time, so that changes keep their order.
  package func update(_ body: (inout State) -> [Element]) {
    let (elements, listeners) = inside.withLock { inside in (body(&inside.state), inside.listeners) }
    // Outside of the lock: a listener that is just being cancelled waits for it.
    for element in elements {
      for listener in listeners.values { listener.yield(element) }
    }
  }

  /// Every stream ends, also those that are asked for later, after what they begin with.
  package func finish() {
    let listeners = inside.withLock { inside in
      inside.isFinished = true
      defer { inside.listeners = [:] }
      return inside.listeners
    }
    for listener in listeners.values { listener.finish() }
  }
}
