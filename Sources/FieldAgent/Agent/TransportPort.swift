import FieldCore
import FieldLAN
import Synchronization

/// A ``SharedTransport`` as the agent of one home sees it.
final class TransportPort: NetworkTransport {
  /// Connections that the agent has not taken yet; further ones are closed.
  private static let unclaimedConnectionCount = 16

  let kind: TransportKind
  let cost: TransportCost
  let keys: KeyTable
  private let transport: any NetworkTransport
  /// The home's own, where a transport has one for each.
  private let discovery: AvahiDiscovery?
  private let owner = Mutex<(shared: SharedTransport, index: Int)?>(nil)
  private let incoming: AsyncStream<any TransportConnection>
  private let offer: AsyncStream<any TransportConnection>.Continuation
  private let ending: AsyncStream<TransportError?>
  private let endings: AsyncStream<TransportError?>.Continuation

  init(of transport: any NetworkTransport, keys: KeyTable, discovery: AvahiDiscovery?) {
    self.transport = transport
    self.discovery = discovery
    self.keys = keys
    kind = transport.kind
    cost = transport.cost
    (incoming, offer) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.unclaimedConnectionCount))
    (ending, endings) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
  }

  func attach(to shared: SharedTransport, as index: Int) { owner.withLock { $0 = (shared, index) } }

  /// - Returns: Whether there was room.
  func take(_ connection: any TransportConnection) -> Bool {
    if case .enqueued = offer.yield(connection) { true } else { false }
  }

  func end(_ error: TransportError?) {
    offer.finish()
    endings.yield(error)
    endings.finish()
    owner.withLock { $0 = nil }
  }

  // MARK: NetworkTransport

  func run() async throws(TransportError) {
    for await error in ending {
      if let error { throw error }
    }
  }

  func incomingConnections() -> AsyncStream<any TransportConnection> { incoming }
  func sightings() -> AsyncStream<PeerSighting> { discovery?.sightings() ?? transport.sightings() }
  func conditions() -> AsyncStream<TransportCondition?> { discovery?.conditions() ?? transport.conditions() }
  func ownAddresses() -> AsyncStream<[PeerAddress]> { transport.ownAddresses() }

  func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
    try await transport.connect(to: address)
  }

  func announce(_ beacon: PresenceBeacon) async {
    if let discovery { return await discovery.announce(beacon) }
    guard let (shared, index) = owner.withLock({ $0 }) else { return }
    await shared.announce(beacon, of: index)
  }

  func discover(_ effort: DiscoveryEffort) async {
    guard let (shared, index) = owner.withLock({ $0 }) else { return }
    await shared.discover(effort, for: index)
  }
}
