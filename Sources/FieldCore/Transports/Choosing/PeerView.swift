/// What a ``TransportManager`` knows of one device, for `status`.
public struct PeerView: Hashable, Sendable {
  public enum State: String, Sendable, CaseIterable {
    /// There is a session.
    case connected
    /// A session is wanted and is being made, or waits for its time.
    case connecting
    /// In reach, and holds the same.
    case quiet
    /// Not in reach.
    case away
  }

  public struct Link: Hashable, Sendable {
    public var kind: TransportKind
    public var bytesPerSecond: Double?
    public var roundTrip: Duration?
    /// Nothing is heard.
    public var isStalled: Bool
  }

  public struct Way: Hashable, Sendable {
    public var address: PeerAddress
    public var isSeen: Bool
    public var isTold: Bool
    public var isFixed: Bool
    public var failureCount: Int
    public var lastError: String?
    /// Until it may be tried again; `nil` when it may be.
    public var retryIn: Duration?
  }

  public var state: State
  /// The one in use first.
  public var links: [Link]
  /// Why this transport, or why none.
  public var why: String
  public var ways: [Way]
}
