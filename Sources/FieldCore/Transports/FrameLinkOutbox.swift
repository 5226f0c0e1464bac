import FieldWire

/// Messages that wait to be cut into frames.
struct FrameLinkOutbox: Sendable {
  /// So that messages without bytes are bounded as well.
  private static let messageOverheadByteCount = 16

  private var messages: [[UInt8]] = []
  /// Of the first message, what has been cut off already.
  private var offset = 0
  private(set) var byteCount = 0

  var isEmpty: Bool { messages.isEmpty }

  func hasRoom(for messageByteCount: Int, limit: Int) -> Bool {
    isEmpty || byteCount + messageByteCount + Self.messageOverheadByteCount <= limit
  }

  mutating func append(_ message: [UInt8]) {
    messages.append(message)
    byteCount += message.count + Self.messageOverheadByteCount
  }

  /// The next piece, at most `limit` bytes, with FIRST and LAST set.
  mutating func nextFragment(limit: Int) -> (bytes: [UInt8], flags: LinkFrame.Flags)? {
    guard let message = messages.first else { return nil }
    let end = min(message.count, offset + limit)
    let bytes = Array(message[offset..<end])
    var flags: LinkFrame.Flags = offset == 0 ? .first : []
    if end == message.count {
      flags.insert(.last)
      messages.removeFirst()
      offset = 0
      byteCount -= message.count + Self.messageOverheadByteCount
    } else {
      offset = end
    }
    return (bytes, flags)
  }
}
