/// What a ``TCPTransport`` allows its peers and itself.
public struct TCPLimits: Hashable, Sendable {
  /// From the call of `connect` to an open connection, the resolving of the name included.
  public var connectDeadline: Duration = .seconds(5)
  /// From the call of `close` to a closed socket, whatever the peer does.
  public var closeDeadline: Duration = .seconds(2)
  /// Connections that came in and nobody has taken yet. Further ones are closed at once.
  public var unclaimedConnectionCount = 64

  public init() {}
}
