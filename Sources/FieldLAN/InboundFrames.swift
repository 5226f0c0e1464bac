import FieldCore
import NIOCore

/// The bytes that came in and were not handed out: messages, each behind its length (u32, big-endian, at most
/// ``TCPConnection/maximumMessageByteCount``).
///
/// They stay bytes until a message is asked for. So a peer's many small messages take no more memory than they did on
/// the wire, and nothing is allocated for a length that has merely been claimed.
struct InboundFrames {
  static let lengthByteCount = 4
  /// What is kept allocated while nothing is there.
  private static let idleByteCount = 4096

  private var bytes = ByteBuffer()

  var byteCount: Int { bytes.readableBytes }

  mutating func append(_ received: ByteBuffer) {
    if bytes.writableBytes < received.readableBytes {
      bytes.discardReadBytes()
    }
    bytes.writeImmutableBuffer(received)
  }

  /// - Throws: ``TransportError`` with `protocolViolation` when the next message is too long.
  var hasMessage: Bool {
    get throws(TransportError) {
      guard let length = try nextByteCount() else { return false }
      return bytes.readableBytes - Self.lengthByteCount >= length
    }
  }

  /// The next message, once all of it is there.
  ///
  /// - Throws: ``TransportError`` with `protocolViolation` when it is too long.
  mutating func next() throws(TransportError) -> [UInt8]? {
    guard let length = try nextByteCount(), bytes.readableBytes - Self.lengthByteCount >= length else { return nil }
    bytes.moveReaderIndex(forwardBy: Self.lengthByteCount)
    return bytes.readBytes(length: length)
  }

  mutating func releaseIdleMemory() {
    if bytes.readableBytes == 0, bytes.capacity > Self.idleByteCount {
      bytes = ByteBuffer()
    }
  }

  private func nextByteCount() throws(TransportError) -> Int? {
    guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self) else { return nil }
    guard length <= TCPConnection.maximumMessageByteCount else {
      throw TransportError(.protocolViolation, "the peer announced a message over the maximum")
    }
    return Int(length)
  }
}
