/// Lets a fixed number of tasks through at a time; the others wait in order.
actor AsyncSemaphore {
  private var permits: Int
  private var waiters: [CheckedContinuation<Void, Never>] = []

  init(permits: Int) {
    self.permits = permits
  }

  func withPermit<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    if permits > 0 {
      permits -= 1
    } else {
      await withCheckedContinuation { waiters.append($0) }
    }
    defer {
      if waiters.isEmpty { permits += 1 } else { waiters.removeFirst().resume() }
    }
    return try await body()
  }
}
