/// What a session moved after its handshake: transport messages and their bytes, encryption included, the transport's
/// own framing not.
public struct SessionTraffic: Hashable, Sendable {
  public var sentMessageCount: UInt64 = 0
  public var sentByteCount: UInt64 = 0
  public var receivedMessageCount: UInt64 = 0
  public var receivedByteCount: UInt64 = 0
  /// Of entries, as they stand in the messages that came in: everything else on a link is the cost of moving them.
  public var receivedEntryByteCount: UInt64 = 0

  public init() {}
}
