/// Events of a simulation by time; ones of the same time in the order in which they were added.
public struct EventQueue<Event: Sendable>: Sendable {
  private struct Item: Sendable {
    var time: Duration
    var order: UInt64
    var event: Event
  }

  private var heap: [Item] = []
  private var count: UInt64 = 0

  public init() {}

  public var nextTime: Duration? { heap.first?.time }

  public mutating func add(_ event: Event, at time: Duration) {
    count += 1
    heap.append(Item(time: time, order: count, event: event))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  public mutating func next() -> (time: Duration, event: Event)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var smallest = parent
        for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, smallest) {
          smallest = child
        }
        guard smallest != parent else { break }
        heap.swapAt(smallest, parent)
        parent = smallest
      }
    }
    return (first.time, first.event)
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    let (one, other) = (heap[left].time, heap[right].time)
    return one == other ? heap[left].order < heap[right].order : one < other
  }
}
