/// One exchange of messages in a session. One task reads and one writes.
public struct SessionStream: Sendable {
  private let session: Session
  public let id: StreamID

  init(session: Session, id: StreamID) {
    self.session = session
    self.id = id
  }

  /// Suspends while the stream's queue is full. Returning means that the message is queued, not that it arrived.
  public func send(_ message: Message, isLast: Bool = false) async throws(SessionError) {
    try await session.send([message], on: id, isLast: isLast)
  }

  /// Queues all of them before any goes out.
  func send(_ messages: [Message]) async throws(SessionError) {
    try await session.send(messages, on: id, isLast: false)
  }

  /// What is sent on this stream goes out when nothing on others waits.
  func setBulk() async { await session.setBulk(id) }

  /// The peer has ended both directions.
  var isReset: Bool { get async { await session.isReset(id) } }

  /// Whether anything can still be sent on it, by either side.
  var isOpen: Bool { get async { await session.isOpen(id) } }

  /// Nothing more is sent on this stream.
  public func end() async { await session.end(id) }

  /// The next message, or `nil` when the peer has ended its side.
  public func receive() async throws(SessionError) -> Message? { try await session.receive(on: id) }

  /// The type of the next message, which stays where it is; `nil` when the peer has ended its side.
  func nextType() async throws(SessionError) -> MessageType? { try await session.nextType(on: id) }

  /// Ends both directions at once and drops what is queued.
  public func reset(_ code: ResetCode) async { await session.reset(id, code) }

  /// Lets go of the stream once its user has read and written what it wanted.
  public func forget() async { await session.forget(id) }
}
