import Glibc
import Readiness
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ReadinessPollerTests {
  /// Two ends of a pipe, closed at the end.
  private final class Pipe: Sendable {
    let reader: Int32
    let writer: Int32

    init() {
      var ends: [Int32] = [-1, -1]
      pipe(&ends)
      (reader, writer) = (ends[0], ends[1])
    }

    func fill() {
      var byte: UInt8 = 1
      write(writer, &byte, 1)
    }

    deinit {
      close(reader)
      close(writer)
    }
  }

  @Test func returnsWhenThereIsSomethingToRead() async throws {
    let pipe = Pipe()
    async let wait: Void = ReadinessPoller.shared.wait(for: pipe.reader, .readable, while: { true })
    pipe.fill()
    try await wait
    // Once more: what was ready still is.
    try await ReadinessPoller.shared.wait(for: pipe.reader, .readable, while: { true })
  }

  @Test func returnsWhenThereIsRoom() async throws {
    let pipe = Pipe()
    try await ReadinessPoller.shared.wait(for: pipe.writer, .writable, while: { true })
  }

  @Test func returnsWhenItIsWoken() async throws {
    let pipe = Pipe()
    let isOpen = Mutex(true)
    let waiting = Task {
      try await ReadinessPoller.shared.wait(for: pipe.reader, .readable, while: { isOpen.withLock { $0 } })
    }
    isOpen.withLock { $0 = false }
    ReadinessPoller.shared.wake(pipe.reader)
    try await waiting.value
  }

  @Test func returnsWhenTheTaskIsCancelled() async throws {
    let pipe = Pipe()
    let waiting = Task {
      try await ReadinessPoller.shared.wait(for: pipe.reader, .readable, while: { true })
    }
    waiting.cancel()
    try await waiting.value
  }

  @Test func manyWaitAtOnce() async throws {
    let pipes = (0..<50).map { _ in Pipe() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for pipe in pipes {
        group.addTask {
          try await ReadinessPoller.shared.wait(for: pipe.reader, .readable, while: { true })
        }
      }
      for pipe in pipes { pipe.fill() }
      try await group.waitForAll()
    }
  }

  /// Reads one byte at a time, as long as it wants to.
  private final class Counter: ReadinessSource {
    let pipe = Pipe()
    let wanted = Mutex(0)
    let counts: AsyncStream<Int>
    private let queue: AsyncStream<Int>.Continuation
    private let count = Mutex(0)

    init() { (counts, queue) = AsyncStream.makeStream() }

    var interest: (descriptor: Int32, readiness: Readiness)? {
      wanted.withLock { $0 } > count.withLock { $0 } ? (pipe.reader, .readable) : nil
    }

    func handle(_ readiness: Readiness) {
      var byte: UInt8 = 0
      guard readiness.contains(.readable), read(pipe.reader, &byte, 1) == 1 else { return }
      queue.yield(
        count.withLock { count in
          count += 1
          return count
        })
    }
  }

  @Test func aSourceIsCalledForAsLongAsItWantsToBe() async throws {
    let counter = Counter()
    try ReadinessPoller.shared.watch(counter)
    for _ in 0..<5 { counter.pipe.fill() }
    counter.wanted.withLock { $0 = 2 }
    ReadinessPoller.shared.lookAgain()
    var counts = counter.counts.makeAsyncIterator()
    #expect(await counts.next() == 1)
    #expect(await counts.next() == 2)
    // A wait in between is served beside it.
    try await ReadinessPoller.shared.wait(for: counter.pipe.reader, .readable, while: { true })
    counter.wanted.withLock { $0 = 5 }
    ReadinessPoller.shared.lookAgain()
    for expected in 3...5 { #expect(await counts.next() == expected) }
  }

  @Test func aSourceThatIsDroppedIsForgotten() async throws {
    weak var dropped: Counter?
    do {
      let counter = Counter()
      dropped = counter
      try ReadinessPoller.shared.watch(counter)
    }
    ReadinessPoller.shared.lookAgain()
    while dropped != nil { await Task.yield() }
  }
}
