public import DBus
import Glibc
public import Readiness
import Synchronization

/// A socket that keeps message boundaries, between us and bluetoothd: each datagram is the value of one attribute
/// operation.
///
/// It is read as datagrams come, into a bounded queue, because bluetoothd drops what a full socket does not take. A
/// sender waits until there is room. Dropping or closing it tells bluetoothd that we are done.
public final class AttributeSocket: Sendable {
  /// The longest attribute value (Core Specification, Vol 3, Part F, 3.2.9).
  public static let maximumByteCount = 512
  /// Datagrams that wait to be received; with more the kernel's buffer fills, and then bluetoothd drops.
  public static let receiveLimit = 256
  /// Datagrams that wait to be sent.
  public static let sendLimit = 64

  private typealias Receiver = CheckedContinuation<Result<[UInt8]?, BlueZError>, Never>
  private typealias Sender = CheckedContinuation<Result<Void, BlueZError>, Never>

  private struct Outgoing {
    let id: UInt64
    let bytes: [UInt8]
    let sender: Sender
  }

  private struct State {
    /// Newest last.
    var received: [[UInt8]] = []
    var receiver: (id: UInt64, continuation: Receiver)?
    var outgoing: [Outgoing] = []
    var isEnded = false
    var lastID: UInt64 = 0
    /// Tasks that were cancelled before they began to wait.
    var cancelled: Set<UInt64> = []
  }

  private enum SendResult {
    case sent
    case full
    case failed(BlueZError)
  }

  private let descriptor: FileDescriptor
  private let state = Mutex(State())

  /// Takes over `descriptor`, a connected `SOCK_SEQPACKET` socket.
  /// - Throws: `limitExceeded`.
  public init(_ descriptor: FileDescriptor) throws(BlueZError) {
    self.descriptor = descriptor
    _ = descriptor.withRawValue { raw in fcntl(raw, F_SETFL, O_NONBLOCK) }
    do throws(ReadinessError) {
      try ReadinessPoller.shared.watch(self)
    } catch {
      throw BlueZError(.limitExceeded, error.reason)
    }
  }

  /// Two connected ends: ours, and the one to give away. Neither ever blocks: bluetoothd, which serves all of the
  /// machine's Bluetooth, stands still when the descriptor that it was given does.
  public static func pair() throws(BlueZError) -> (ours: AttributeSocket, theirs: FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    let options = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, options, 0, &ends) == 0 else {
      throw BlueZError(.limitExceeded, "no file descriptors for a socket pair")
    }
    let theirs = FileDescriptor(owning: ends[1])
    return (try AttributeSocket(FileDescriptor(owning: ends[0])), theirs)
  }

  // MARK: Sending

  /// Sends one datagram, and returns when the kernel has it. Datagrams are sent in the order of the calls.
  /// - Throws: `invalidLength` over ``maximumByteCount``, `limitExceeded` when ``sendLimit`` are waiting, `linkClosed`,
  ///   `cancelled`.
  public func send(_ bytes: [UInt8]) async throws(BlueZError) {
    guard bytes.count <= Self.maximumByteCount else {
      throw BlueZError(.invalidLength, "longer than an attribute value can be")
    }
    let id = nextID()
    let result: Result<Void, BlueZError> = await withTaskCancellationHandler {
      await withCheckedContinuation { sender in
        let result: Result<Void, BlueZError>? = state.withLock { state in
          if state.isEnded { return .failure(Self.closed) }
          if state.cancelled.remove(id) != nil { return .failure(Self.wasCancelled) }
          if state.outgoing.isEmpty {
            switch write(bytes) {
            case .sent: return .success(())
            case .failed(let error): return .failure(error)
            case .full: break
            }
          }
          guard state.outgoing.count < Self.sendLimit else {
            return .failure(BlueZError(.limitExceeded, "too many datagrams wait to be sent"))
          }
          state.outgoing.append(Outgoing(id: id, bytes: bytes, sender: sender))
          return nil
        }
        if let result { sender.resume(returning: result) } else { ReadinessPoller.shared.lookAgain() }
      }
    } onCancel: {
      let sender = state.withLock { state -> Sender? in
        guard let index = state.outgoing.firstIndex(where: { $0.id == id }) else {
          state.cancelled.insert(id)
          return nil
        }
        return state.outgoing.remove(at: index).sender
      }
      sender?.resume(returning: .failure(Self.wasCancelled))
    }
    forget(id)
    try result.get()
  }

  private func write(_ bytes: [UInt8]) -> SendResult {
    let result = descriptor.withRawValue { raw -> SendResult in
      while true {
        if Glibc.send(raw, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) >= 0 {
          return .sent
        }
        switch errno {
        case EINTR: continue
        case EAGAIN, ENOBUFS: return .full
        case EMSGSIZE: return .failed(BlueZError(.invalidLength, "longer than the socket takes"))
        default: return .failed(Self.closed)
        }
      }
    }
    return result ?? .failed(Self.closed)
  }

  // MARK: Receiving

  /// The next datagram; nil when the other end is closed and everything was received. One receiver at a time.
  /// - Throws: `inProgress` when there is another receiver, `cancelled`.
  public func receive() async throws(BlueZError) -> [UInt8]? {
    let id = nextID()
    let result: Result<[UInt8]?, BlueZError> = await withTaskCancellationHandler {
      await withCheckedContinuation { receiver in
        let result: Result<[UInt8]?, BlueZError>? = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .failure(Self.wasCancelled) }
          guard state.receiver == nil else {
            return .failure(BlueZError(.inProgress, "another task is receiving"))
          }
          if !state.received.isEmpty {
            // The thread has stopped reading at the limit.
            if state.received.count == Self.receiveLimit { ReadinessPoller.shared.lookAgain() }
            return .success(state.received.removeFirst())
          }
          if state.isEnded { return .success(nil) }
          state.receiver = (id, receiver)
          return nil
        }
        if let result { receiver.resume(returning: result) }
      }
    } onCancel: {
      let receiver = state.withLock { state -> Receiver? in
        guard let receiver = state.receiver, receiver.id == id else {
          state.cancelled.insert(id)
          return nil
        }
        state.receiver = nil
        return receiver.continuation
      }
      receiver?.resume(returning: .failure(Self.wasCancelled))
    }
    forget(id)
    return try result.get()
  }

  /// Closes our end. What was received stays to be read.
  public func close() {
    descriptor.close()
    end()
    ReadinessPoller.shared.lookAgain()
  }

  /// While the poller's thread waits for a descriptor, the kernel keeps what was behind it open, so that the other end
  /// hears of the close only once that thread has come back.
  deinit {
    descriptor.close()
    ReadinessPoller.shared.lookAgain()
  }

  private func nextID() -> UInt64 {
    state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
  }

  private func forget(_ id: UInt64) {
    state.withLock { _ = $0.cancelled.remove(id) }
  }

  private static let closed = BlueZError(.linkClosed, "the other end is closed")
  private static let wasCancelled = BlueZError(.cancelled, "the task was cancelled")

  fileprivate func flush() {
    while true {
      let finished = state.withLock { state -> (Sender, Result<Void, BlueZError>)? in
        guard let next = state.outgoing.first else { return nil }
        switch write(next.bytes) {
        case .full: return nil
        case .sent:
          state.outgoing.removeFirst()
          return (next.sender, .success(()))
        case .failed(let error):
          state.outgoing.removeFirst()
          return (next.sender, .failure(error))
        }
      }
      guard let finished else { return }
      finished.0.resume(returning: finished.1)
    }
  }

  fileprivate func fill(isHungUp: Bool) {
    var buffer = [UInt8](repeating: 0, count: Self.maximumByteCount + 1)
    while true {
      let isFull = state.withLock { $0.received.count >= Self.receiveLimit }
      if isFull { return }
      let count = descriptor.withRawValue { raw in recv(raw, &buffer, buffer.count, Int32(MSG_DONTWAIT)) }
      guard let count else { return end() }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN { return }
        return end()
      }
      // No bytes are the end, or an empty value; only after the end is the socket hung up.
      if count == 0 && isHungUp { return end() }
      if count == 0 && !isStillOpen { return }
      // Longer than any attribute value: not bluetoothd's doing, and cut already.
      if count <= Self.maximumByteCount { deliver(Array(buffer[..<count])) }
    }
  }

  /// False when the other end was closed since the poll; the next poll says so.
  private var isStillOpen: Bool {
    descriptor.withRawValue { raw in
      var look = pollfd(fd: raw, events: 0, revents: 0)
      return poll(&look, 1, 0) == 0
    } ?? false
  }

  private func deliver(_ bytes: [UInt8]) {
    let receiver = state.withLock { state -> Receiver? in
      guard let receiver = state.receiver else {
        state.received.append(bytes)
        return nil
      }
      state.receiver = nil
      return receiver.continuation
    }
    receiver?.resume(returning: .success(bytes))
  }

  private func end() {
    let (receiver, outgoing) = state.withLock { state in
      state.isEnded = true
      defer {
        state.receiver = nil
        state.outgoing = []
      }
      return (state.receiver, state.outgoing)
    }
    descriptor.close()
    receiver?.continuation.resume(returning: .success(nil))
    for waiting in outgoing { waiting.sender.resume(returning: .failure(Self.closed)) }
  }
}

extension AttributeSocket: ReadinessSource {
  public var interest: (descriptor: Int32, readiness: Readiness)? {
    let readiness = state.withLock { state -> Readiness in
      guard !state.isEnded else { return [] }
      var readiness: Readiness = []
      if state.received.count < Self.receiveLimit { readiness.insert(.readable) }
      if !state.outgoing.isEmpty { readiness.insert(.writable) }
      return readiness
    }
    // Without anything to wait for, a hung-up descriptor would still be reported, again and again.
    guard !readiness.isEmpty, let raw = descriptor.withRawValue({ $0 }) else { return nil }
    return (raw, readiness)
  }

  public func handle(_ readiness: Readiness) {
    if readiness.contains(.writable) { flush() }
    if !readiness.isDisjoint(with: [.readable, .hungUp]) { fill(isHungUp: readiness.contains(.hungUp)) }
  }
}
