import FieldCore

/// Tells any number of listeners who is near.
struct SightingFeed: Sendable {
  private static let queueCount = SightingTable.peerLimit

  private let feed: Feed<SightingTable, PeerSighting>

  init(lifetime: Duration) {
    feed = Feed(SightingTable(lifetime: lifetime), queueCount: Self.queueCount) { $0.present.map { PeerSighting($0) } }
  }

  func sightings() -> AsyncStream<PeerSighting> { feed.elements() }

  /// Called by one task at a time, so that changes keep their order.
  func update(_ body: (inout SightingTable) -> [SightingTable.Change]) {
    feed.update { table in body(&table).map { PeerSighting($0) } }
  }

  func finish() { feed.finish() }
}

extension PeerSighting {
  fileprivate init(_ change: SightingTable.Change) {
    switch change {
    case .appeared(let address, let announcement):
      self.init(
        address: PeerAddress(kind: .bluetooth, location: address), change: .appeared, announcement: announcement)
    case .vanished(let address, let announcement):
      self.init(
        address: PeerAddress(kind: .bluetooth, location: address), change: .vanished, announcement: announcement)
    }
  }
}
