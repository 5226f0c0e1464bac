import FieldWire

/// Many streams of messages over one ordered channel of packets, each with its own credit, so that a large transfer
/// never blocks a small exchange, and nobody has to buffer more than he offered. No IO, no clock: events in, events
/// out.
///
/// A side may send ``SessionLimits/streamWindowByteCount`` bytes on a new stream and then what it is granted. Ready
/// streams take turns, one frame each; streams of large payloads go when no other is ready.
struct Multiplexer {
  enum Event: Equatable {
    /// The peer opened a stream.
    case opened(StreamID)
    case message(StreamID, [UInt8])
    /// The peer sends no more on this stream.
    case ended(StreamID)
    case reset(StreamID, ResetCode)
    /// The stream's queue has room again.
    case writable(StreamID)
    case pong(UInt64)
    case closed(CloseCode)
  }

  /// Answers that wait to be sent; a peer that does not read, and goes on asking, is cut off here.
  private static let controlLimit = 1024

  private let role: SessionHandshake.Role
  private var streams: [StreamID: MultiplexedStream] = [:]
  private var ready: [StreamID] = []
  private var control: [SessionFrame] = []
  private var closeCode: CloseCode?
  private var nextOwn: UInt64
  private var lastOfPeer: UInt64 = 0
  /// Until a reader takes or forgets them, whatever becomes of their streams.
  private var unreadByteCount = 0
  private var unread: [StreamID: Int] = [:]

  init(role: SessionHandshake.Role) {
    self.role = role
    nextOwn = role == .initiator ? 1 : 2
  }

  var hasOutput: Bool { !control.isEmpty || !ready.isEmpty || closeCode != nil }

  mutating func open() -> StreamID {
    let id = StreamID(nextOwn)
    nextOwn += 2
    streams[id] = MultiplexedStream()
    return id
  }

  /// Queues a framed message on a stream of its own that takes no answer.
  mutating func notify(_ bytes: [UInt8]) {
    let id = StreamID(nextOwn)
    nextOwn += 2
    var stream = MultiplexedStream(isNotice: true)
    stream.enqueue(bytes, isLast: true)
    streams[id] = stream
    markReady(id)
  }

  /// Queues a framed message.
  ///
  /// - Returns: Whether the stream's queue has room for more. `false` is advice: the message was taken.
  /// - Throws: `streamReset` when the stream is over.
  mutating func send(_ bytes: [UInt8], on id: StreamID, isLast: Bool) throws(SessionError) -> Bool {
    guard var stream = streams[id], !stream.isLocalEndQueued else {
      throw SessionError(.streamReset, "the stream is over")
    }
    stream.enqueue(bytes, isLast: isLast)
    streams[id] = stream
    markReady(id)
    return stream.outgoingByteCount < SessionLimits.outboundByteCount
  }

  mutating func setBulk(_ id: StreamID) { streams[id]?.isBulk = true }

  mutating func reset(_ id: StreamID, _ code: ResetCode) {
    guard streams[id] != nil else { return }
    drop(id)
    control.append(.reset(id, code))
  }

  /// Drops a stream without a word: the session is ending anyway.
  mutating func abandon(_ id: StreamID) {
    if streams[id] != nil { drop(id) }
  }

  /// Ends the session once everything is sent that is queued and that the peer has given credit for.
  mutating func close(_ code: CloseCode) { closeCode = code }

  mutating func ping(_ token: UInt64) { control.append(.ping(token)) }

  /// The reader has taken a message of so many bytes, its length not included.
  mutating func consumed(_ messageByteCount: Int, on id: StreamID) {
    let byteCount = WireWriter.varintByteCount(UInt64(messageByteCount)) + messageByteCount
    let counted = min(byteCount, unread[id] ?? 0)
    unread[id, default: 0] -= counted
    unreadByteCount -= counted
    if unread[id] == 0 { unread[id] = nil }
    guard var stream = streams[id] else { return }
    stream.consumed(byteCount)
    if let credit = stream.creditToGrant() { control.append(.credit(id, byteCount: credit)) }
    streams[id] = stream
  }

  /// Nobody reads what is left of a stream.
  mutating func forgotten(_ id: StreamID) { unreadByteCount -= unread.removeValue(forKey: id) ?? 0 }

  /// Whether either side may still send on the stream.
  func isOpen(_ id: StreamID) -> Bool { streams[id] != nil }

  /// The next packet to send, of at most `byteCount` bytes, or `nil` when there is nothing to send. With it, the
  /// streams whose queues have room again.
  mutating func nextPacket(byteCount: Int) -> (packet: [UInt8], events: [Event])? {
    guard hasOutput else { return nil }
    var writer = WireWriter(capacity: byteCount)
    var events: [Event] = []
    var sentControl = 0
    while sentControl < control.count, writer.bytes.count + SessionFrame.dataOverheadByteCount + 8 <= byteCount {
      control[sentControl].encode(into: &writer)
      sentControl += 1
    }
    control.removeFirst(sentControl)
    ready = ready.filter { streams[$0]?.isBulk == false } + ready.filter { streams[$0]?.isBulk == true }
    var turn = 0
    while turn < ready.count, byteCount - writer.bytes.count > SessionFrame.dataOverheadByteCount {
      let id = ready[turn]
      guard var stream = streams[id], stream.canSend else {
        ready.remove(at: turn)
        continue
      }
      let wasFull = stream.outgoingByteCount >= SessionLimits.outboundByteCount
      let piece = stream.nextPiece(limit: byteCount - writer.bytes.count - SessionFrame.dataOverheadByteCount)
      SessionFrame.data(id, piece.bytes, piece.end).encode(into: &writer)
      if wasFull, stream.outgoingByteCount < SessionLimits.outboundByteCount { events.append(.writable(id)) }
      streams[id] = stream
      // What is dropped makes its place free for the next: a new stream must not be overtaken by a newer one, or the
      // peer takes it for the rest of one that was reset.
      if stream.isOver { drop(id) } else { turn += 1 }
    }
    // Whoever was served goes to the back.
    let served = min(turn, ready.count)
    ready = (ready[served...] + ready[..<served]).filter { streams[$0]?.canSend ?? false }
    if let closeCode, ready.isEmpty, control.isEmpty,
      byteCount - writer.bytes.count > SessionFrame.dataOverheadByteCount
    {
      SessionFrame.close(closeCode).encode(into: &writer)
      self.closeCode = nil
    }
    return (writer.bytes, events)
  }

  /// Takes a packet that the peer sent.
  ///
  /// - Throws: `protocolViolation`: the session has to end.
  mutating func received(_ packet: [UInt8]) throws(SessionError) -> [Event] {
    var reader = WireReader(packet)
    var events: [Event] = []
    while !reader.isAtEnd {
      let frame: SessionFrame
      do {
        frame = try SessionFrame(from: &reader)
      } catch {
        throw SessionError(.protocolViolation, "a frame: \(error.reason)")
      }
      switch frame {
      case .data(let id, let bytes, let end): try receivedData(bytes, on: id, end, events: &events)
      case .credit(let id, let byteCount):
        guard var stream = streams[id] else { try checkKnown(id); continue }
        try stream.granted(byteCount)
        streams[id] = stream
        markReady(id)
      case .reset(let id, let code):
        guard streams[id] != nil else { try checkKnown(id); continue }
        drop(id)
        events.append(.reset(id, code))
      case .close(let code): events.append(.closed(code))
      case .ping(let token):
        // Answers to a flood of pings would be a queue without bounds.
        if !control.contains(where: { if case .pong = $0 { true } else { false } }) { control.append(.pong(token)) }
      case .pong(let token): events.append(.pong(token))
      }
      guard control.count <= Self.controlLimit else {
        throw SessionError(.protocolViolation, "more that asks for an answer than the link takes answers")
      }
    }
    return events
  }

  private mutating func receivedData(
    _ bytes: ArraySlice<UInt8>, on id: StreamID, _ end: SessionFrame.DataEnd, events: inout [Event]
  ) throws(SessionError) {
    if streams[id] == nil {
      guard !id.isOpened(by: role), id.rawValue > lastOfPeer else {
        try checkKnown(id)
        return  // late data of a stream that was reset
      }
      lastOfPeer = id.rawValue
      guard streams.keys.count(where: { !$0.isOpened(by: role) }) < SessionLimits.peerStreamCount else {
        control.append(.reset(id, .busy))
        return
      }
      streams[id] = MultiplexedStream()
      events.append(.opened(id))
    }
    guard var stream = streams[id] else { return }
    let before = stream.partialByteCount
    let messages = try stream.received(bytes, isLast: end != .none)
    let messageByteCount = before + bytes.count - stream.partialByteCount
    unread[id, default: 0] += messageByteCount
    unreadByteCount += messageByteCount
    if let credit = stream.creditToGrant() { control.append(.credit(id, byteCount: credit)) }
    streams[id] = stream
    guard unreadByteCount + streams.values.reduce(0, { $0 + $1.partialByteCount }) <= SessionLimits.inboundByteCount
    else {
      throw SessionError(.protocolViolation, "more unread data than a session may hold")
    }
    events.append(contentsOf: messages.map { .message(id, $0) })
    if end != .none {
      events.append(.ended(id))
      if stream.isOver || end == .stream { drop(id) }
    }
  }

  /// A stream that is not open is one that was, or the peer is wrong.
  private func checkKnown(_ id: StreamID) throws(SessionError) {
    let wasOpened = id.isOpened(by: role) ? id.rawValue < nextOwn : id.rawValue <= lastOfPeer
    guard id.rawValue != 0, wasOpened else { throw SessionError(.protocolViolation, "a stream that was never opened") }
  }

  private mutating func markReady(_ id: StreamID) {
    guard let stream = streams[id], stream.canSend, !ready.contains(id) else { return }
    ready.append(id)
  }

  private mutating func drop(_ id: StreamID) {
    streams[id] = nil
    ready.removeAll { $0 == id }
  }
}
