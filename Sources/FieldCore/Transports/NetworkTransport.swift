/// A way to reach peers. Everything above this protocol is the same for every transport, and nothing below it is
/// trusted.
public protocol NetworkTransport: Sendable {
  var kind: TransportKind { get }

  /// What a byte costs here beside the other transports; the cheapest that works is used.
  var cost: TransportCost { get }

  /// Peers as they come and go. A transport without discovery has none.
  func sightings() -> AsyncStream<PeerSighting>

  /// - Throws: ``TransportError``; `unreachable` within the transport's own deadline.
  func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection

  /// Connections that peers open. Ends when the transport stops.
  func incomingConnections() -> AsyncStream<any TransportConnection>

  /// Runs the transport until the task is cancelled or it cannot go on.
  func run() async throws(TransportError)

  /// Lets those near know, from now on, where discovery can; returns soon.
  func announce(_ beacon: PresenceBeacon) async

  /// Looks for peers with more or less effort from now on.
  func discover(_ effort: DiscoveryEffort) async

  /// What keeps the transport from working, now and whenever it changes; `nil` when it is well. A slow listener gets
  /// the newest.
  func conditions() -> AsyncStream<TransportCondition?>

  /// Where this device can be reached, at the start and whenever it changes, to be told to peers in a session over
  /// another transport. A slow listener gets the newest.
  func ownAddresses() -> AsyncStream<[PeerAddress]>
}

extension NetworkTransport {
  public func announce(_ beacon: PresenceBeacon) async {}
  public func discover(_ effort: DiscoveryEffort) async {}
  public func conditions() -> AsyncStream<TransportCondition?> { AsyncStream { $0.finish() } }
  public func ownAddresses() -> AsyncStream<[PeerAddress]> { AsyncStream { $0.finish() } }
}

/// Ordered from cheap to dear.
public enum TransportCost: Int, Sendable, Comparable {
  case wired
  case localRadio
  case shortRangeRadio

  public static func < (left: TransportCost, right: TransportCost) -> Bool { left.rawValue < right.rawValue }
}
