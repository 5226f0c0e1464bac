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
}

/// Ordered from cheap to dear.
public enum TransportCost: Int, Sendable, Comparable {
  case wired
  case localRadio
  case shortRangeRadio

  public static func < (left: TransportCost, right: TransportCost) -> Bool { left.rawValue < right.rawValue }
}
