/// Messages on one stream of which more are at hand: they are queued together, so that their packets are full, and cost
/// what packets cost once, also where the link is faster than who sends.
struct MessageRun {
  /// Two packets of an L2CAP channel, and much less than a stream's queue.
  private static let byteCount = 16 << 10

  private let stream: SessionStream
  private var messages: [Message] = []
  private var byteCount = 0

  init(on stream: SessionStream) { self.stream = stream }

  /// To be followed by ``flush()``, sooner or later.
  mutating func send(_ message: Message) async throws(SessionError) {
    messages.append(message)
    byteCount += message.body.count
    if byteCount >= Self.byteCount { try await flush() }
  }

  mutating func flush() async throws(SessionError) {
    guard !messages.isEmpty else { return }
    defer {
      messages = []
      byteCount = 0
    }
    try await stream.send(messages)
  }
}
