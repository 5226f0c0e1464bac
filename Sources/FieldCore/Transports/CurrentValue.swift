/// A value that changes, told to any number of listeners: what it is now, and then what it becomes. A slow listener
/// gets the newest.
package struct CurrentValue<Value: Sendable & Equatable>: Sendable {
  private let feed: Feed<Value, Value>

  package init(_ value: Value) { feed = Feed(value, queueCount: 1) { [$0] } }

  package var value: Value { feed.state }

  package func set(_ value: Value) {
    feed.update { current in
      guard current != value else { return [] }
      current = value
      return [value]
    }
  }

  package func values() -> AsyncStream<Value> { feed.elements() }

  package func finish() { feed.finish() }
}
