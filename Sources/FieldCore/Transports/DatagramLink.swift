/// A link that carries datagrams between two ends and promises nothing about them: a GATT slot, an L2CAP channel, the
/// simulated link. ``FrameLinkConnection`` makes a connection of it.
///
/// One task sends and one receives. After ``close()`` both return or throw soon, and sending is an error.
public protocol DatagramLink: Sendable {
  /// The largest datagram, in bytes; at least 20.
  var maximumFrameByteCount: Int { get }

  /// Suspends until the link has taken the datagram.
  ///
  /// - Throws: ``TransportError`` when the link is gone.
  func send(_ frame: [UInt8]) async throws(TransportError)

  /// The next datagram, or `nil` when the link has ended.
  func receive() async throws(TransportError) -> [UInt8]?

  /// Ends the link. May be called more than once, and while a call is pending.
  func close() async
}
