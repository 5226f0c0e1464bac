public import FieldCore
import NIOCore

/// A TCP connection that carries messages, each behind its length: u32, big-endian, at most
/// ``maximumMessageByteCount``.
///
/// It never sends a byte of its own. Memory is bounded: up to 128 KiB wait to be sent, and reading stops once 64 KiB
/// wait to be received; when the peer ends the connection, what the kernel still holds (some hundred KiB) comes on top.
/// A message may take as long as it likes to come in: deadlines are the caller's.
///
/// A cancelled call throws ``TransportError`` with `closed`, having sent or received nothing, and the connection stays
/// as it is. A connection that is let go of without ``close()`` is cut off.
public final class TCPConnection: TransportConnection {
  public static let maximumMessageByteCount = 65_535

  public let kind = TransportKind.lan
  public let peerDescription: String
  public let origin: String
  let framed: FramedChannel
  private let closeDeadline: Duration

  init(_ framed: FramedChannel, closeDeadline: Duration) {
    self.framed = framed
    self.closeDeadline = closeDeadline
    peerDescription = framed.channel.remoteAddress?.redactedDescription ?? "a peer that is gone"
    origin = framed.channel.remoteAddress?.origin ?? ""
  }

  deinit {
    framed.channel.close(promise: nil)
  }

  public var maximumMessageByteCount: Int { Self.maximumMessageByteCount }

  public func send(_ message: [UInt8]) async throws(TransportError) {
    try await framed.send(message)
  }

  public func receive() async throws(TransportError) -> [UInt8]? {
    try await framed.receive()
  }

  /// Sends the rest of what was sent, then ends the connection and waits for the peer to do so, all within
  /// ``TCPLimits/closeDeadline``.
  public func close() async {
    await framed.close(deadline: closeDeadline)
  }

  public func abort() async { framed.channel.close(promise: nil) }
}
