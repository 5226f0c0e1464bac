import DBus
import Glibc
import Synchronization

/// The one thread that waits for all attribute sockets.
final class SocketPoller: Sendable {
  private struct Waiting {
    weak var socket: AttributeSocket?
  }

  private struct State {
    var sockets: [Waiting] = []
    var isRunning = false
  }

  static let shared = SocketPoller()

  private let state = Mutex(State())
  /// A byte in this pipe makes the thread look at its sockets again.
  private let wakeup: (reader: FileDescriptor, writer: FileDescriptor)?

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
    wakeup = (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
  }

  /// Watches `socket` until it is closed or dropped.
  func add(_ socket: AttributeSocket) throws(BlueZError) {
    guard wakeup != nil else { throw BlueZError(.limitExceeded, "no file descriptors for the socket thread") }
    let isRunning = state.withLock { state in
      state.sockets.removeAll { $0.socket == nil }
      state.sockets.append(Waiting(socket: socket))
      if !state.isRunning { state.isRunning = Self.detachThread() }
      return state.isRunning
    }
    guard isRunning else { throw BlueZError(.limitExceeded, "no thread for sockets") }
    wake()
  }

  /// To be called when what a socket waits for has changed.
  func wake() {
    var byte: UInt8 = 0
    _ = wakeup?.writer.withRawValue { raw in write(raw, &byte, 1) }
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
        SocketPoller.shared.run()
        return nil
      }, nil)
    guard result == 0 else { return false }
    pthread_detach(thread)
    return true
  }

  private func run() {
    while true { turn() }
  }

  private func turn() {
    let sockets = state.withLock { state in
      state.sockets.removeAll { $0.socket == nil }
      return state.sockets
    }
    var waiting: [Waiting] = []
    var polled = [pollfd(fd: wakeup?.reader.withRawValue { $0 } ?? -1, events: Int16(POLLIN), revents: 0)]
    for entry in sockets {
      // A descriptor that is closed meanwhile, and its number used again, costs one look at the wrong socket.
      guard let interest = entry.socket?.interest else { continue }
      waiting.append(entry)
      polled.append(interest)
    }
    guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
    if polled[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 64)
      _ = wakeup?.reader.withRawValue { raw in read(raw, &bytes, bytes.count) }
    }
    for (entry, result) in zip(waiting, polled.dropFirst()) where result.revents != 0 {
      entry.socket?.handle(Int32(result.revents))
    }
  }
}
