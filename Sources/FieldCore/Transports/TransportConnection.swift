/// A reliable, ordered, back-pressured channel of byte messages between two peers. It says nothing of who they are.
///
/// One task sends and one receives; the two may be different ones. After an error or an end every call throws; but what
/// arrived before the connection was lost, and before ``close()``, is received first.
public protocol TransportConnection: Sendable {
  var kind: TransportKind { get }

  /// The peer's address for people to read, shortened where it could identify somebody.
  var peerDescription: String { get }

  /// The same for connections that one machine can make, as far as the transport can tell; never shown to anybody.
  var origin: String { get }

  /// Whether the same transport has a better way to reach a peer, which could not be had: then dialling it again may
  /// give that.
  var isFallback: Bool { get }

  /// The largest message that ``send(_:)`` takes and that may come in.
  var maximumMessageByteCount: Int { get }

  /// Suspends until there is room. Returning means that the message will arrive unless the connection ends.
  func send(_ message: [UInt8]) async throws(TransportError)

  /// The next message, or `nil` when the peer closed the connection in order.
  func receive() async throws(TransportError) -> [UInt8]?

  /// Ends the connection: what was sent is delivered if the link allows, pending calls throw.
  func close() async

  /// Ends the connection at once, whatever is still to be sent: for peers that nothing is owed to.
  func abort() async
}

extension TransportConnection {
  public var origin: String { peerDescription }
  public var isFallback: Bool { false }

  public func abort() async { await close() }
}
