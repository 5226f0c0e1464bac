import NIOCore

/// Messages on their way out. One write is under way at a time; what is sent meanwhile becomes the next one, so that
/// small messages share a system call.
struct OutboundQueue {
  /// Bytes that wait or are being written, over which ``add(_:)`` refuses; a single message is always taken.
  static let byteLimit = 128 << 10

  enum Step {
    case full
    /// Taken; the caller writes `write`, if there is one.
    case taken(write: ByteBuffer?)
  }

  private var waiting = ByteBuffer()
  private var writingByteCount = 0

  var byteCount: Int { waiting.readableBytes + writingByteCount }
  var isEmpty: Bool { byteCount == 0 }

  func hasRoom(forMessageOf messageByteCount: Int) -> Bool {
    isEmpty || byteCount + InboundFrames.lengthByteCount + messageByteCount <= Self.byteLimit
  }

  mutating func add(_ message: [UInt8]) -> Step {
    guard hasRoom(forMessageOf: message.count) else { return .full }
    waiting.reserveCapacity(minimumWritableBytes: InboundFrames.lengthByteCount + message.count)
    waiting.writeInteger(UInt32(message.count))
    waiting.writeBytes(message)
    return .taken(write: writingByteCount == 0 ? takeWaiting() : nil)
  }

  /// - Returns: The next write.
  mutating func writeCompleted() -> ByteBuffer? {
    writingByteCount = 0
    return waiting.readableBytes > 0 ? takeWaiting() : nil
  }

  private mutating func takeWaiting() -> ByteBuffer {
    let write = waiting
    waiting = ByteBuffer()
    writingByteCount = write.readableBytes
    return write
  }
}
