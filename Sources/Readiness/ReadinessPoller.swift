import Glibc
import Synchronization

/// The one thread that waits until descriptors can be read or written: once for a task (``wait(for:_:while:)``), or
/// again and again for a source (``watch(_:)``).
///
/// A wait is for one time: whoever was woken tries, and waits again when there was nothing. So a descriptor that nobody
/// waits for costs nothing, and one that was closed meanwhile, and its number used again, costs one try in vain.
public final class ReadinessPoller: Sendable {
  private struct Waiter {
    let descriptor: Int32
    let readiness: Readiness
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct Watched {
    weak var source: (any ReadinessSource)?
  }

  private struct State {
    var waiters: [UInt64: Waiter] = [:]
    var sources: [Watched] = []
    /// Tasks that were cancelled before they began to wait.
    var cancelled: Set<UInt64> = []
    var lastID: UInt64 = 0
    var isRunning = false
  }

  public static let shared = ReadinessPoller()

  private let state = Mutex(State())
  /// A byte in this pipe makes the thread look anew at what to wait for. Open for as long as the process lives.
  private let wakeup: (reader: Int32, writer: Int32)?

  private init() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      wakeup = nil
      return
    }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    wakeup = (ends[0], ends[1])
  }

  // MARK: Sources

  /// Watches `source` until it is dropped.
  /// - Throws: `limitExceeded`.
  public func watch(_ source: any ReadinessSource) throws(ReadinessError) {
    try checkPipe()
    let hasThread = state.withLock { state in
      state.sources.removeAll { $0.source == nil }
      state.sources.append(Watched(source: source))
      return startThread(&state)
    }
    guard hasThread else { throw Self.noThread }
    lookAgain()
  }

  /// To be called when what a source waits for has changed.
  public func lookAgain() {
    guard let wakeup else { return }
    var byte: UInt8 = 0
    _ = write(wakeup.writer, &byte, 1)
  }

  // MARK: Tasks

  /// Returns when there may be something to do, and when the task is cancelled. `isOpen` is asked under a lock that
  /// ``wake(_:)`` takes as well, so that a descriptor which is being closed is not waited for.
  /// - Throws: `limitExceeded`.
  public func wait(
    for descriptor: Int32, _ readiness: Readiness, while isOpen: () -> Bool
  ) async throws(ReadinessError) {
    try checkPipe()
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let hasThread = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let isWaiting = state.withLock { state in
          guard isOpen(), state.cancelled.remove(id) == nil, startThread(&state) else { return false }
          state.waiters[id] = Waiter(descriptor: descriptor, readiness: readiness, continuation: continuation)
          return true
        }
        if isWaiting { lookAgain() } else { continuation.resume() }
      }
      return state.withLock { state in
        state.cancelled.remove(id)
        return state.isRunning
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let waiter = state.waiters.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil
        }
        return waiter
      }
      waiter?.continuation.resume()
    }
    // A cancellation that came after the wait left its mark.
    state.withLock { _ = $0.cancelled.remove(id) }
    guard hasThread else { throw Self.noThread }
  }

  /// Whoever waits for the descriptor looks again: it is about to be closed.
  public func wake(_ descriptor: Int32) {
    let woken = state.withLock { state in
      let ids = state.waiters.filter { $0.value.descriptor == descriptor }.keys
      return ids.compactMap { state.waiters.removeValue(forKey: $0) }
    }
    for waiter in woken { waiter.continuation.resume() }
    lookAgain()
  }

  // MARK: The thread

  private static let noThread = ReadinessError(.limitExceeded, "no thread for the poller")

  private func checkPipe() throws(ReadinessError) {
    guard wakeup != nil else { throw ReadinessError(.limitExceeded, "no file descriptors for the poller") }
  }

  private func startThread(_ state: inout State) -> Bool {
    if !state.isRunning { state.isRunning = Self.detachThread() }
    return state.isRunning
  }

  private static func detachThread() -> Bool {
    var all = sigset_t()
    var previous = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { _ in
        while true { ReadinessPoller.shared.turn() }
      }, nil)
    guard result == 0 else { return false }
    pthread_detach(thread)
    return true
  }

  private func turn() {
    guard let wakeup else { return }
    let (waiting, watched) = state.withLock { state in
      state.sources.removeAll { $0.source == nil }
      return (Array(state.waiters), state.sources)
    }
    var polled = [pollfd(fd: wakeup.reader, events: Int16(POLLIN), revents: 0)]
    polled += waiting.map { pollfd(fd: $0.value.descriptor, events: $0.value.readiness.events, revents: 0) }
    var interested: [Watched] = []
    for entry in watched {
      guard let interest = entry.source?.interest else { continue }
      interested.append(entry)
      polled.append(pollfd(fd: interest.descriptor, events: interest.readiness.events, revents: 0))
    }
    guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
    if polled[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 64)
      _ = read(wakeup.reader, &bytes, bytes.count)
    }
    let ready = zip(waiting, polled.dropFirst()).filter { $0.1.revents != 0 }.map(\.0.key)
    let woken = state.withLock { state in ready.compactMap { state.waiters.removeValue(forKey: $0) } }
    for waiter in woken { waiter.continuation.resume() }
    for (entry, result) in zip(interested, polled.dropFirst(1 + waiting.count)) where result.revents != 0 {
      entry.source?.handle(Readiness(result.revents))
    }
  }
}

extension Readiness {
  fileprivate var events: Int16 {
    (contains(.readable) ? Int16(POLLIN) : 0) | (contains(.writable) ? Int16(POLLOUT) : 0)
  }

  fileprivate init(_ events: Int16) {
    self = []
    if events & Int16(POLLIN) != 0 { insert(.readable) }
    if events & Int16(POLLOUT) != 0 { insert(.writable) }
    if events & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 { insert(.hungUp) }
  }
}
