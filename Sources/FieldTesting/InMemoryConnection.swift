import FieldCore

/// One end of a ``ConnectionPair``.
final class InMemoryConnection: TransportConnection {
  let kind: TransportKind
  let peerDescription: String
  let maximumMessageByteCount: Int
  private let state: Monitor<ConnectionPair.State>
  private let outgoing: Int
  private let bufferByteCount: Int
  private let hasReportedEnd = Monitor(false)

  init(
    state: Monitor<ConnectionPair.State>, outgoing: Int, bufferByteCount: Int, maximumMessageByteCount: Int,
    kind: TransportKind, peerDescription: String
  ) {
    self.state = state
    self.outgoing = outgoing
    self.bufferByteCount = bufferByteCount
    self.maximumMessageByteCount = maximumMessageByteCount
    self.kind = kind
    self.peerDescription = peerDescription
  }

  deinit { state.withLock { [outgoing] in $0.directions[outgoing].isClosed = true } }

  func send(_ message: [UInt8]) async throws(TransportError) {
    guard message.count <= maximumMessageByteCount else {
      throw TransportError(
        .messageTooLarge, "\(message.count) bytes, and the connection takes \(maximumMessageByteCount)")
    }
    let (outgoing, limit) = (outgoing, bufferByteCount)
    while true {
      try checkCancellation()
      let result = state.withLock { state -> Result<Bool, TransportError> in
        if let error = Self.failure(state, outgoing) { return .failure(error) }
        if state.directions[1 - outgoing].isClosed { return .failure(Self.closedByPeer) }
        guard Self.hasRoom(state.directions[outgoing], message.count, limit) else { return .success(false) }
        if state.directions[outgoing].send(message) { state.isLost = true }
        return .success(true)
      }
      if try result.get() { return }
      await state.wait { state in
        Self.failure(state, outgoing) != nil || state.directions[1 - outgoing].isClosed
          || Self.hasRoom(state.directions[outgoing], message.count, limit)
      }
    }
  }

  func receive() async throws(TransportError) -> [UInt8]? {
    let (outgoing, incoming) = (outgoing, 1 - outgoing)
    await state.wait { state in
      state.directions[incoming].hasReadable || Self.failure(state, outgoing) != nil
        || Self.hasEnded(state.directions[incoming])
    }
    let result = state.withLock { state -> Result<[UInt8]?, TransportError>? in
      if state.directions[outgoing].isClosed { return .failure(Self.closed) }
      if let message = state.directions[incoming].receive() { return .success(message) }
      if let error = Self.failure(state, outgoing) { return .failure(error) }
      return Self.hasEnded(state.directions[incoming]) ? .success(nil) : nil
    }
    guard let result else {
      try checkCancellation()
      return try await receive()
    }
    let message = try result.get()
    if message == nil {
      guard
        hasReportedEnd.withLock({ hasReportedEnd in
          defer { hasReportedEnd = true }
          return !hasReportedEnd
        })
      else { throw Self.closedByPeer }
    }
    return message
  }

  func close() async { state.withLock { $0.directions[outgoing].isClosed = true } }

  private func checkCancellation() throws(TransportError) {
    if Task.isCancelled { throw TransportError(.closed, "the task was cancelled") }
  }

  private static let closed = TransportError(.closed, "this side closed the connection")
  private static let closedByPeer = TransportError(.closed, "the peer closed the connection")

  private static func failure(_ state: ConnectionPair.State, _ outgoing: Int) -> TransportError? {
    if state.directions[outgoing].isClosed { return closed }
    return state.isLost ? TransportError(.connectionLost, "the connection was cut") : nil
  }

  /// The peer closed and everything was read.
  private static func hasEnded(_ direction: ConnectionPair.Direction) -> Bool {
    direction.isClosed && direction.buffer.isEmpty
  }

  private static func hasRoom(_ direction: ConnectionPair.Direction, _ byteCount: Int, _ limit: Int) -> Bool {
    direction.buffer.isEmpty || direction.bufferedByteCount + byteCount <= limit
  }
}
