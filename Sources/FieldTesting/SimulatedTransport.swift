public import FieldCore

/// A node's transport in a ``SimulatedAir``.
public final class SimulatedTransport: NetworkTransport {
  public let kind: TransportKind
  public let cost: TransportCost
  public let name: String
  private let air: SimulatedAir
  private let incoming: AsyncStream<any TransportConnection>

  init(air: SimulatedAir, name: String, cost: TransportCost, incoming: AsyncStream<any TransportConnection>) {
    self.air = air
    self.name = name
    self.cost = cost
    self.incoming = incoming
    kind = air.kind
  }

  public func sightings() -> AsyncStream<PeerSighting> {
    let (stream, continuation) = AsyncStream.makeStream(of: PeerSighting.self)
    let (name, air) = (name, air)
    let id = air.state.withLock { state in
      state.watcherCount += 1
      guard let node = state.nodes[name], node.isReachable else {
        continuation.finish()
        return state.watcherCount
      }
      state.nodes[name]?.watchers[state.watcherCount] = continuation
      for other in state.nodes.keys.sorted() where state.canReach(other, from: name) {
        continuation.yield(
          PeerSighting(
            address: air.address(of: other), change: .appeared, announcement: state.nodes[other]?.announcement ?? []))
      }
      return state.watcherCount
    }
    continuation.onTermination = { _ in
      air.state.withLock { _ = $0.nodes[name]?.watchers.removeValue(forKey: id) }
    }
    return stream
  }

  public func announce(_ beacon: PresenceBeacon) async { air.setAnnouncement(beacon.bytes, of: name) }

  public func incomingConnections() -> AsyncStream<any TransportConnection> { incoming }

  public func connect(to address: PeerAddress) async throws(TransportError) -> any TransportConnection {
    guard address.kind == kind else { throw TransportError(.badAddress, "\(address) is not of this transport") }
    let (caller, called) = (name, address.location)
    let reached = air.state.withLock {
      state -> (faults: (ConnectionPair.Faults, ConnectionPair.Faults)?, seed: UInt64)? in
      guard state.canReach(called, from: caller) else { return nil }
      return (state.faults[caller]?.removeValue(forKey: called), state.random.next())
    }
    guard let reached else { throw TransportError(.unreachable, "nobody at \(address)") }
    switch air.medium {
    case .memory(let maximumMessageByteCount, let bufferByteCount):
      let pair = ConnectionPair(
        maximumMessageByteCount: maximumMessageByteCount, bufferByteCount: bufferByteCount,
        forth: reached.faults?.0 ?? ConnectionPair.Faults(), back: reached.faults?.1 ?? ConnectionPair.Faults(),
        kind: kind,
        firstName: caller, secondName: called)
      let link = SimulatedAir.Link(
        isOver: { pair.isOver }, cut: { _ in pair.cut() }, stall: { pair.stall() }, resume: { pair.resume() })
      try register(link, with: called, arriving: pair.second)
      return pair.first
    case .datagrams(let profile):
      return try await connect(to: called, over: profile, seed: reached.seed)
    }
  }

  /// Runs until the task is cancelled; then the node is off the air.
  public func run() async throws(TransportError) {
    await air.state.wait { _ in false }
    let (node, links) = air.state.withLock { [name] state -> (SimulatedAir.Node?, [SimulatedAir.Link]) in
      state.nodes[name]?.isReachable = false
      let pairs = state.links.keys.filter { $0.names.contains(name) }
      return (state.nodes[name], pairs.flatMap { state.links.removeValue(forKey: $0) ?? [] })
    }
    // Outside of the lock, which each takes when it ends.
    node?.incoming.finish()
    for (_, watcher) in node?.watchers ?? [:] { watcher.finish() }
    for link in links { link.cut(true) }
  }

  private func connect(
    to called: String, over profile: SimulatedLinkProfile, seed: UInt64
  ) async throws(TransportError)
    -> any TransportConnection
  {
    let (near, far) = SimulatedLink.pair(seed: seed, forth: profile, clock: air.clock)
    let configuration = FrameLinkConfiguration(maximumFrameByteCount: profile.maximumFrameByteCount)
    let link = SimulatedAir.Link(
      isOver: { near.isClosed }, cut: { near.cut(isReported: $0) }, stall: { near.stall() }, resume: { near.resume() })
    try register(link, with: called, arriving: nil)
    let (caller, kind, air) = (name, kind, air)
    Task {
      let connection = try await FrameLinkConnection.open(
        .acceptor, over: far, configuration: configuration, kind: kind, peerDescription: caller, clock: air.clock)
      air.state.withLock { $0.nodes[called]?.incoming }?.yield(connection)
    }
    return try await FrameLinkConnection.open(
      .initiator(session: UInt16(truncatingIfNeeded: seed)), over: near, configuration: configuration, kind: kind,
      peerDescription: called, clock: air.clock)
  }

  /// Adds a link while the two are still in range.
  private func register(
    _ link: SimulatedAir.Link, with called: String, arriving connection: (any TransportConnection)?
  )
    throws(TransportError)
  {
    let incoming = air.state.withLock { [name] state -> AsyncStream<any TransportConnection>.Continuation? in
      guard state.canReach(called, from: name) else { return nil }
      let pair = SimulatedAir.Pair(name, called)
      state.links[pair] = (state.links[pair] ?? []).filter { !$0.isOver() } + [link]
      return state.nodes[called]?.incoming
    }
    guard let incoming else { throw TransportError(.unreachable, "\(called) went away") }
    if let connection { incoming.yield(connection) }
  }
}
