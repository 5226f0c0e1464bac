/// Tasks that wait for a condition to be looked at again.
struct Waiters {
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []

  var count: Int { waiting.count }

  mutating func add(_ continuation: CheckedContinuation<Void, Never>, id: UInt64) {
    waiting.append((id, continuation))
  }

  mutating func remove(id: UInt64) -> CheckedContinuation<Void, Never>? {
    waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0).continuation }
  }

  /// The caller resumes them, outside of its lock.
  mutating func takeAll() -> [CheckedContinuation<Void, Never>] {
    defer { waiting = [] }
    return waiting.map(\.continuation)
  }
}
