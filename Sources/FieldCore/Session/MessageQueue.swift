/// Messages that wait for their reader, each with its size on the stream. Taking one costs the same however many wait.
struct MessageQueue {
  private var items: [(message: Message, byteCount: Int)?] = []
  private var start = 0

  var first: Message? { start < items.count ? items[start]?.message : nil }

  mutating func append(_ message: Message, byteCount: Int) { items.append((message, byteCount)) }

  mutating func takeFirst() -> (message: Message, byteCount: Int)? {
    guard start < items.count else { return nil }
    defer {
      items[start] = nil
      start += 1
      // Each time at least as many were taken as are moved.
      if start * 2 >= items.count {
        items.removeFirst(start)
        start = 0
      }
    }
    return items[start]
  }
}
