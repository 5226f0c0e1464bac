import FieldWire

/// One stream's two directions: bytes that wait to go out under the peer's credit, and bytes that come in under ours.
struct MultiplexedStream {
  // Outgoing.
  private var outgoing: [[UInt8]] = []
  private var outgoingOffset = 0
  private(set) var outgoingByteCount = 0
  private(set) var sendCredit = SessionLimits.streamWindowByteCount
  private(set) var isLocalEndQueued = false
  private(set) var isLocalEndSent = false
  /// Sent when no other stream has anything to send.
  var isBulk = false
  /// Nobody answers on this stream: it is over with the last byte that goes out.
  let isNotice: Bool

  // Incoming.
  private var partial: [UInt8] = []
  private var receiveCredit = SessionLimits.streamWindowByteCount
  /// Credit that is due to the peer and not yet told.
  private var owedCredit = 0
  private(set) var isRemoteEnded = false

  init(isNotice: Bool = false) {
    self.isNotice = isNotice
  }

  var isOver: Bool { isLocalEndSent && (isRemoteEnded || isNotice) }
  var canSend: Bool {
    !isLocalEndSent && ((outgoingByteCount > 0 && sendCredit > 0) || (outgoingByteCount == 0 && isLocalEndQueued))
  }
  /// Of a message that has begun and not ended.
  var partialByteCount: Int { partial.count }

  mutating func enqueue(_ bytes: [UInt8], isLast: Bool) {
    if !bytes.isEmpty {
      outgoing.append(bytes)
      outgoingByteCount += bytes.count
    }
    if isLast { isLocalEndQueued = true }
  }

  /// The next piece to send, of at most `limit` bytes.
  mutating func nextPiece(limit: Int) -> (bytes: ArraySlice<UInt8>, end: SessionFrame.DataEnd) {
    var count = min(limit, sendCredit, outgoingByteCount)
    sendCredit -= count
    outgoingByteCount -= count
    var piece: ArraySlice<UInt8> = []
    var used = 0
    while count > 0 {
      let chunk = outgoing[used]
      let taken = min(count, chunk.count - outgoingOffset)
      let slice = chunk[outgoingOffset..<outgoingOffset + taken]
      if piece.isEmpty { piece = slice } else { piece.append(contentsOf: slice) }
      count -= taken
      outgoingOffset += taken
      if outgoingOffset == chunk.count {
        used += 1
        outgoingOffset = 0
      }
    }
    outgoing.removeFirst(used)
    let isLast = isLocalEndQueued && outgoingByteCount == 0
    if isLast { isLocalEndSent = true }
    return (piece, isLast ? (isNotice ? .stream : .direction) : .none)
  }

  mutating func granted(_ byteCount: Int) throws(SessionError) {
    let sum = sendCredit.addingReportingOverflow(byteCount)
    guard !sum.overflow, sum.partialValue <= SessionLimits.inboundByteCount else {
      throw SessionError(.protocolViolation, "more credit than a stream can have")
    }
    sendCredit = sum.partialValue
  }

  /// Takes bytes in and gives back the messages that are complete now.
  mutating func received(_ bytes: ArraySlice<UInt8>, isLast: Bool) throws(SessionError) -> [[UInt8]] {
    guard !isRemoteEnded else { throw SessionError(.protocolViolation, "data after a stream's end") }
    guard bytes.count <= receiveCredit else { throw SessionError(.protocolViolation, "data without credit") }
    receiveCredit -= bytes.count
    partial.append(contentsOf: bytes)
    var messages: [[UInt8]] = []
    var start = 0
    while let message = try nextMessage(from: &start) { messages.append(message) }
    partial.removeFirst(start)
    isRemoteEnded = isLast
    guard !isLast || partial.isEmpty else { throw SessionError(.protocolViolation, "a stream that ends in a message") }
    // A message that alone is over the window could never complete: what there is of it counts as read.
    if partial.count > SessionLimits.streamWindowByteCount / 2 {
      owedCredit += SessionLimits.streamWindowByteCount - receiveCredit - owedCredit
    }
    return messages
  }

  /// The reader has taken a message of so many bytes.
  mutating func consumed(_ byteCount: Int) {
    owedCredit = min(owedCredit + byteCount, SessionLimits.streamWindowByteCount - receiveCredit)
  }

  /// Credit to tell the peer of, once it is worth a frame.
  mutating func creditToGrant() -> Int? {
    guard owedCredit >= SessionLimits.streamWindowByteCount / 2, !isRemoteEnded else { return nil }
    defer { owedCredit = 0 }
    receiveCredit += owedCredit
    return owedCredit
  }

  private func nextMessage(from start: inout Int) throws(SessionError) -> [UInt8]? {
    guard start < partial.count else { return nil }
    let lengthByteCount = 1 << Int(partial[start] >> 6)
    guard partial.count - start >= lengthByteCount else { return nil }
    var reader = WireReader(partial[start..<start + lengthByteCount])
    let length: Int
    do {
      length = try reader.count(limit: SessionLimits.messageByteCount)
    } catch {
      throw SessionError(.protocolViolation, "a message's length: \(error.reason)")
    }
    let end = start + lengthByteCount + length
    guard partial.count >= end else { return nil }
    defer { start = end }
    return Array(partial[start + lengthByteCount..<end])
  }
}
