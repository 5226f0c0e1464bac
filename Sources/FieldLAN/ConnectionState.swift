import FieldCore
import NIOCore

/// The state of one connection. The event loop and the calling tasks tell it what happened, and do what it answers.
struct ConnectionState {
  /// Reading stops at this many bytes that nobody has received: one message of the maximum length.
  static let readAheadByteCount = InboundFrames.lengthByteCount + TCPConnection.maximumMessageByteCount

  enum ReceivedAction {
    case none
    case wakeReceiver
    /// The peer broke the rules: close the channel, wake everybody.
    case abort
  }

  enum ReceiveAction {
    case message([UInt8], read: Bool)
    case wait(read: Bool)
    case end
    case fail(TransportError, closeChannel: Bool)
  }

  enum SendAction {
    case taken(write: ByteBuffer?)
    case wait
    case fail(TransportError)
  }

  enum FlushAction {
    case none
    case write(ByteBuffer)
    case shutDownOutput
    case closeChannel
  }

  private enum Phase {
    case open
    /// Nothing more comes in, and what did is still handed out; then the error, or the orderly end.
    case draining(TransportError?)
    case over(TransportError)
  }

  private var phase = Phase.open
  private var inbound = InboundFrames()
  private var outbound = OutboundQueue()
  /// Nothing is read before the first `receive`: a connection that nobody claims costs no memory.
  private var isReading = false
  private var inputHasEnded = false
  private var isClosing = false

  var inboundByteCount: Int { inbound.byteCount }
  var outboundByteCount: Int { outbound.byteCount }

  private var isOpen: Bool {
    if case .open = phase { true } else { false }
  }

  // MARK: Events of the channel

  mutating func received(_ bytes: ByteBuffer) -> ReceivedAction {
    guard isOpen else { return .none }
    inbound.append(bytes)
    do {
      return try inbound.hasMessage ? .wakeReceiver : .none
    } catch {
      end(with: error)
      return .abort
    }
  }

  /// - Returns: Whether to read on.
  mutating func readCompleted() -> Bool {
    // While closing, what still comes in is thrown away, so that the peer can take in what was sent.
    isReading = !inputHasEnded && (isClosing || (isOpen && inbound.byteCount < Self.readAheadByteCount))
    return isReading
  }

  /// The peer will send nothing more.
  mutating func inputEnded() -> FlushAction {
    inputHasEnded = true
    if isOpen { phase = .draining(nil) }
    return outbound.isEmpty ? .closeChannel : .none
  }

  /// The channel is gone, or about to be.
  mutating func failed(_ error: TransportError) {
    inputHasEnded = true
    outbound = OutboundQueue()
    if isOpen { phase = .draining(error) }
  }

  mutating func writeCompleted() -> FlushAction {
    if let next = outbound.writeCompleted() { return .write(next) }
    return flushed()
  }

  // MARK: Calls

  mutating func receive() -> ReceiveAction {
    if case .over(let error) = phase { return .fail(error, closeChannel: false) }
    do {
      if let message = try inbound.next() {
        return .message(message, read: resumesReading())
      }
    } catch {
      end(with: error)
      return .fail(error, closeChannel: true)
    }
    guard case .draining(let error) = phase else {
      inbound.releaseIdleMemory()
      defer { isReading = true }
      return .wait(read: !isReading)
    }
    let cutShort = inbound.byteCount > 0 ? TransportError(.connectionLost, "the last message was cut short") : nil
    end(with: error ?? cutShort ?? Self.endedByPeer)
    if let failure = error ?? cutShort { return .fail(failure, closeChannel: false) }
    return .end
  }

  mutating func send(_ message: [UInt8]) -> SendAction {
    switch phase {
    case .open: break
    case .draining(let error): return .fail(error ?? Self.endedByPeer)
    case .over(let error): return .fail(error)
    }
    return switch outbound.add(message) {
    case .full: .wait
    case .taken(let write): .taken(write: write)
    }
  }

  /// Whether a `receive` need not wait any more.
  var canReceive: Bool {
    // A message that is too long is news, too.
    isOpen ? (try? inbound.hasMessage) ?? true : true
  }

  /// Whether a `send` need not wait any more.
  func canSend(messageOf byteCount: Int) -> Bool {
    !isOpen || outbound.hasRoom(forMessageOf: byteCount)
  }

  /// From now on every call throws. What was sent goes out first, then this side's end, then the peer's is waited for.
  mutating func close() -> FlushAction {
    guard !isClosing else { return .none }
    isClosing = true
    isReading = true
    end(with: TransportError(.closed, "this side closed the connection"))
    return outbound.isEmpty ? flushed() : .none
  }

  private static let endedByPeer = TransportError(.connectionLost, "the peer closed the connection")

  private mutating func end(with error: TransportError) {
    phase = .over(error)
    inbound = InboundFrames()
  }

  private func flushed() -> FlushAction {
    if inputHasEnded { return .closeChannel }
    return isClosing ? .shutDownOutput : .none
  }

  /// Reading goes on when half of the space is free again, and not at every message.
  private mutating func resumesReading() -> Bool {
    guard isOpen, !isReading, inbound.byteCount <= Self.readAheadByteCount / 2 || !canReceive else { return false }
    isReading = true
    return true
  }
}
