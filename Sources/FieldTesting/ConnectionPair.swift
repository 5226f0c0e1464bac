public import FieldCore

/// Two connections back to back in memory, with bounded buffers and with faults.
public struct ConnectionPair: Sendable {
  /// What goes wrong in one direction. Indexes count from zero; the message with the index is the first that is hit,
  /// and for bytes it is the one that contains that byte of the direction's stream.
  public struct Faults: Sendable {
    /// The connection is lost when this message is sent: the sender learns it by its next call, and what came before
    /// arrives.
    public var cutAtMessage: Int?
    public var cutAtByte: Int?
    /// From this message on nothing arrives, until ``ConnectionPair/resume()``.
    public var stallAtMessage: Int?
    public var stallAtByte: Int?
    /// These arrive with one bit changed.
    public var corruptMessages: Set<Int> = []

    public init(
      cutAtMessage: Int? = nil, cutAtByte: Int? = nil, stallAtMessage: Int? = nil, stallAtByte: Int? = nil,
      corruptMessages: Set<Int> = []
    ) {
      self.cutAtMessage = cutAtMessage
      self.cutAtByte = cutAtByte
      self.stallAtMessage = stallAtMessage
      self.stallAtByte = stallAtByte
      self.corruptMessages = corruptMessages
    }
  }

  struct Direction: Sendable {
    var faults: Faults
    var buffer: [[UInt8]] = []
    var bufferedByteCount = 0
    var sentMessageCount = 0
    var sentByteCount = 0
    /// Messages of the buffer that may be read; `nil`: all.
    var readableCount: Int?
    var isClosed = false

    var hasReadable: Bool { readableCount.map { $0 > 0 } ?? true && !buffer.isEmpty }

    /// - Returns: Whether the connection is lost by it.
    mutating func send(_ message: [UInt8]) -> Bool {
      let index = sentMessageCount
      let bytes = sentByteCount..<sentByteCount + message.count
      sentMessageCount += 1
      sentByteCount = bytes.upperBound
      if faults.cutAtMessage.map({ index >= $0 }) ?? false || faults.cutAtByte.map(bytes.contains) ?? false {
        return true
      }
      if readableCount == nil, faults.stallAtMessage == index || faults.stallAtByte.map(bytes.contains) ?? false {
        readableCount = buffer.count
      }
      var message = message
      if faults.corruptMessages.contains(index), !message.isEmpty { message[message.count / 2] ^= 0x10 }
      buffer.append(message)
      bufferedByteCount += message.count
      return false
    }

    mutating func receive() -> [UInt8]? {
      guard hasReadable else { return nil }
      readableCount = readableCount.map { $0 - 1 }
      let message = buffer.removeFirst()
      bufferedByteCount -= message.count
      return message
    }
  }

  struct State: Sendable {
    var directions: [Direction]
    var isLost = false
  }

  private let state: Monitor<State>
  public let first: any TransportConnection
  public let second: any TransportConnection

  /// - Parameters:
  ///   - bufferByteCount: What a direction holds before the sender waits; one message always fits.
  ///   - forth: Faults from the first connection to the second.
  public init(
    maximumMessageByteCount: Int = 65536, bufferByteCount: Int = 262_144, forth: Faults = Faults(),
    back: Faults = Faults(),
    kind: TransportKind = .simulated, firstName: String = "first", secondName: String = "second"
  ) {
    let state = Monitor(State(directions: [Direction(faults: forth), Direction(faults: back)]))
    self.state = state
    first = InMemoryConnection(
      state: state, outgoing: 0, bufferByteCount: bufferByteCount, maximumMessageByteCount: maximumMessageByteCount,
      kind: kind, peerDescription: secondName)
    second = InMemoryConnection(
      state: state, outgoing: 1, bufferByteCount: bufferByteCount, maximumMessageByteCount: maximumMessageByteCount,
      kind: kind, peerDescription: firstName)
  }

  /// Both ends lose the connection. What has arrived can still be read.
  public func cut() { state.withLock { $0.isLost = true } }

  /// Nothing arrives any more, in both directions, until ``resume()``.
  public func stall() {
    state.withLock { state in
      for index in state.directions.indices { state.directions[index].readableCount = 0 }
    }
  }

  public func resume() {
    state.withLock { state in
      for index in state.directions.indices { state.directions[index].readableCount = nil }
    }
  }

  /// Messages and bytes that the first and the second connection have sent.
  public var sentMessageCounts: [Int] { state.withLock { $0.directions.map(\.sentMessageCount) } }
  public var sentByteCounts: [Int] { state.withLock { $0.directions.map(\.sentByteCount) } }

  public var isOver: Bool { state.withLock { $0.isLost || $0.directions.contains(where: \.isClosed) } }
}
