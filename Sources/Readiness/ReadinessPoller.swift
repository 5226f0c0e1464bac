import Glibc
import Synchronization

/// The one thread that waits until descriptors can be read or written.
///
/// A wait is for one time: whoever was woken tries, and waits again when there was nothing. So a descriptor that nobody
/// waits for costs nothing, and one that was closed meanwhile, and its number used again, costs one try in vain.
final class ReadinessPoller: Sendable {
  enum Interest {
    case readable
    case writable

    fileprivate var events: Int16 {
      switch self {
      case .readable: Int16(POLLIN)
      case .writable: Int16(POLLOUT)
      }
    }
  }

  private struct Waiter {
    let descriptor: Int32
    let interest: Interest
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var waiters: [UInt64: Waiter] = [:]
    /// Tasks that were cancelled before they began to wait.
    var cancelled: Set<UInt64> = []
    var lastID: UInt64 = 0
    var isRunning = false
  }

  static let shared = ReadinessPoller()

  private let state = Mutex(State())
  /// A byte in this pipe makes the thread look at its waiters again. Open for as long as the process lives.
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

  /// Returns when there may be something to do, and when the task is cancelled. `isOpen` is asked under a lock that
  /// ``wake(_:)`` takes as well, so that a descriptor which is being closed is not waited for.
  /// - Throws: `limitExceeded`.
  func wait(for descriptor: Int32, _ interest: Interest, while isOpen: () -> Bool) async throws(L2CAPError) {
    guard wakeup != nil else { throw L2CAPError(.limitExceeded, "no file descriptors for the poller") }
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let hasThread = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let isWaiting = state.withLock { state in
          guard isOpen(), state.cancelled.remove(id) == nil else { return false }
          if !state.isRunning { state.isRunning = detachThread() }
          guard state.isRunning else { return false }
          state.waiters[id] = Waiter(descriptor: descriptor, interest: interest, continuation: continuation)
          return true
        }
        if isWaiting { wakeThread() } else { continuation.resume() }
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
    guard hasThread else { throw L2CAPError(.limitExceeded, "no thread for the poller") }
  }

  /// Whoever waits for the descriptor looks again: it is about to be closed.
  func wake(_ descriptor: Int32) {
    let woken = state.withLock { state in
      let ids = state.waiters.filter { $0.value.descriptor == descriptor }.keys
      return ids.compactMap { state.waiters.removeValue(forKey: $0) }
    }
    for waiter in woken { waiter.continuation.resume() }
    wakeThread()
  }

  private func wakeThread() {
    guard let wakeup else { return }
    var byte: UInt8 = 0
    _ = write(wakeup.writer, &byte, 1)
  }

  private func detachThread() -> Bool {
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
    let waiting = state.withLock { Array($0.waiters) }
    var polled = [pollfd(fd: wakeup.reader, events: Int16(POLLIN), revents: 0)]
    polled += waiting.map { pollfd(fd: $0.value.descriptor, events: $0.value.interest.events, revents: 0) }
    guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
    if polled[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 64)
      _ = read(wakeup.reader, &bytes, bytes.count)
    }
    let ready = zip(waiting, polled.dropFirst()).filter { $0.1.revents != 0 }.map(\.0.key)
    let woken = state.withLock { state in ready.compactMap { state.waiters.removeValue(forKey: $0) } }
    for waiter in woken { waiter.continuation.resume() }
  }
}
