import FieldCore
import NIOCore
import Synchronization

/// Joins a NIO channel to the tasks that send and receive. A call that need not wait takes a lock and no detour through
/// the event loop.
final class FramedChannel: Sendable {
  private struct Guarded {
    var state = ConnectionState()
    var receivers = Waiters()
    var senders = Waiters()
    var lastWaiterID: UInt64 = 0

    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
      receivers.takeAll() + senders.takeAll()
    }
  }

  private enum Condition {
    case message
    case room(messageByteCount: Int)
  }

  let channel: any Channel
  private let guarded = Mutex(Guarded())

  init(channel: any Channel) {
    self.channel = channel
  }

  // MARK: Calls

  func receive() async throws(TransportError) -> [UInt8]? {
    while true {
      switch guarded.withLock({ $0.state.receive() }) {
      case .message(let message, let read):
        if read { channel.read() }
        return message
      case .wait(let read):
        if read { channel.read() }
        try await wait(for: .message)
      case .end:
        return nil
      case .fail(let error, let closeChannel):
        if closeChannel { channel.close(promise: nil) }
        throw error
      }
    }
  }

  func send(_ message: [UInt8]) async throws(TransportError) {
    guard message.count <= TCPConnection.maximumMessageByteCount else {
      throw TransportError(.messageTooLarge, "\(message.count) bytes, over the connection's maximum")
    }
    while true {
      switch guarded.withLock({ $0.state.send(message) }) {
      case .taken(let bytes):
        if let bytes { write(bytes) }
        return
      case .wait:
        try await wait(for: .room(messageByteCount: message.count))
      case .fail(let error):
        throw error
      }
    }
  }

  func close(deadline: Duration) async {
    let (action, waiters) = guarded.withLock { ($0.state.close(), $0.takeWaiters()) }
    perform(action)
    channel.read()
    waiters.forEach { $0.resume() }
    let timeout = channel.eventLoop.scheduleTask(in: TimeAmount(deadline)) { [channel] in
      channel.close(promise: nil)
    }
    try? await channel.closeFuture.get()
    timeout.cancel()
  }

  // MARK: Events of the channel

  func received(_ bytes: ByteBuffer) {
    switch guarded.withLock({ $0.state.received(bytes) }) {
    case .none:
      break
    case .wakeReceiver:
      guarded.withLock { $0.receivers.takeAll() }.forEach { $0.resume() }
    case .abort:
      channel.close(promise: nil)
      guarded.withLock { $0.takeWaiters() }.forEach { $0.resume() }
    }
  }

  func readCompleted() {
    if guarded.withLock({ $0.state.readCompleted() }) {
      channel.read()
    }
  }

  func inputEnded() {
    let (action, waiters) = guarded.withLock { ($0.state.inputEnded(), $0.takeWaiters()) }
    perform(action)
    waiters.forEach { $0.resume() }
  }

  func failed(_ error: TransportError) {
    let waiters = guarded.withLock { guarded in
      guarded.state.failed(error)
      return guarded.takeWaiters()
    }
    waiters.forEach { $0.resume() }
  }

  // MARK: What tests wait for

  var bufferedByteCounts: (inbound: Int, outbound: Int) {
    guarded.withLock { ($0.state.inboundByteCount, $0.state.outboundByteCount) }
  }

  var waiterCounts: (receivers: Int, senders: Int) {
    guarded.withLock { ($0.receivers.count, $0.senders.count) }
  }

  // MARK: -

  private func write(_ bytes: ByteBuffer) {
    channel.writeAndFlush(bytes).whenComplete { result in
      switch result {
      case .success:
        let (action, waiters) = self.guarded.withLock { ($0.state.writeCompleted(), $0.senders.takeAll()) }
        self.perform(action)
        waiters.forEach { $0.resume() }
      case .failure(let error):
        self.failed(TransportError(losing: error))
        self.channel.close(promise: nil)
      }
    }
  }

  private func perform(_ action: ConnectionState.FlushAction) {
    switch action {
    case .none: break
    case .write(let bytes): write(bytes)
    case .shutDownOutput: channel.close(mode: .output, promise: nil)
    case .closeChannel: channel.close(promise: nil)
    }
  }

  /// Returns when the condition may have come true.
  ///
  /// - Throws: ``TransportError`` with `closed` when the task is cancelled.
  private func wait(for condition: Condition) async throws(TransportError) {
    let id = guarded.withLock { guarded in
      guarded.lastWaiterID += 1
      return guarded.lastWaiterID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isWaiting = guarded.withLock { guarded in
          // Cancellation sets the flag before it looks for the waiter, so one of the two sees the other.
          if Task.isCancelled { return false }
          switch condition {
          case .message:
            if guarded.state.canReceive { return false }
            guarded.receivers.add(continuation, id: id)
          case .room(let messageByteCount):
            if guarded.state.canSend(messageOf: messageByteCount) { return false }
            guarded.senders.add(continuation, id: id)
          }
          return true
        }
        if !isWaiting { continuation.resume() }
      }
    } onCancel: {
      guarded.withLock { $0.receivers.remove(id: id) ?? $0.senders.remove(id: id) }?.resume()
    }
    if Task.isCancelled {
      throw TransportError(.closed, "the call was cancelled")
    }
  }
}
