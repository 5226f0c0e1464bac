import Glibc
import Synchronization
import Testing

@testable import L2CAP

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
}
