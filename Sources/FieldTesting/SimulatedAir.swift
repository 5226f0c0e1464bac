public import FieldCore
import Synchronization

/// Where simulated transports meet: named nodes that come into range of each other and go, in one process.
///
/// What a connection runs over is the air's ``Medium``. ``FieldCore/PeerAddress/location`` is a node's name.
public final class SimulatedAir: Sendable {
  public enum Medium: Sendable {
    /// Reliable connections in memory, with faults by ``SimulatedAir/setFaults(ofNextConnectionFrom:to:forth:back:)``.
    case memory(maximumMessageByteCount: Int = 65536, bufferByteCount: Int = 262_144)
    /// ``FieldCore/FrameLinkConnection`` over ``SimulatedLink``.
    case datagrams(SimulatedLinkProfile)
  }

  /// Two names in no order.
  struct Pair: Hashable, Sendable {
    let names: Set<String>

    init(_ one: String, _ other: String) { names = [one, other] }
  }

  struct Node: Sendable {
    var announcement: [UInt8] = []
    var incoming: AsyncStream<any TransportConnection>.Continuation
    var watchers: [UInt64: AsyncStream<PeerSighting>.Continuation] = [:]
    var isReachable = true
  }

  /// What connects two nodes, so that it can be cut.
  struct Link: Sendable {
    var isOver: @Sendable () -> Bool
    var cut: @Sendable (_ isReported: Bool) -> Void
    var stall: @Sendable () -> Void
    var resume: @Sendable () -> Void
  }

  struct State: Sendable {
    var nodes: [String: Node] = [:]
    var inRange: Set<Pair> = []
    var links: [Pair: [Link]] = [:]
    /// Keyed by caller, then by the one who is called.
    var faults: [String: [String: (forth: ConnectionPair.Faults, back: ConnectionPair.Faults)]] = [:]
    var random: SeededRandom
    var watcherCount: UInt64 = 0

    func canReach(_ name: String, from other: String) -> Bool {
      inRange.contains(Pair(name, other)) && nodes[name]?.isReachable == true && nodes[other]?.isReachable == true
    }
  }

  /// What a watcher is to be told.
  struct News: Sendable {
    var watcher: AsyncStream<PeerSighting>.Continuation
    var sighting: PeerSighting
  }

  public let kind: TransportKind
  let medium: Medium
  let clock: any Clock<Duration>
  let state: Monitor<State>
  /// Held while watchers are told, so that news come to them in order.
  private let telling = Mutex(())

  /// - Parameter kind: What the transports say they are; another one than `simulated` lets two airs stand for two
  ///   transports.
  public init(
    kind: TransportKind = .simulated, medium: Medium = .memory(), seed: UInt64 = 0,
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.kind = kind
    self.medium = medium
    self.clock = clock
    state = Monitor(State(random: SeededRandom(seed: seed)))
  }

  /// A node's transport. A name is used once.
  public func transport(named name: String, cost: TransportCost = .shortRangeRadio) -> SimulatedTransport {
    let (incoming, continuation) = AsyncStream.makeStream(of: (any TransportConnection).self)
    state.withLock { state in
      precondition(state.nodes[name] == nil, "a node's name is used once")
      state.nodes[name] = Node(incoming: continuation)
    }
    return SimulatedTransport(air: self, name: name, cost: cost, incoming: incoming)
  }

  public func address(of name: String) -> PeerAddress { PeerAddress(kind: kind, location: name) }

  /// The two can reach each other from now on, and see each other.
  public func bringTogether(_ one: String, _ other: String) {
    tell { state in
      guard state.inRange.insert(Pair(one, other)).inserted else { return [] }
      return [(one, other), (other, one)].flatMap { news(for: $0, of: $1, .appeared, state) }
    }
  }

  /// The two cannot reach each other any more: connections break, and each sees the other vanish.
  ///
  /// - Parameter isReported: Whether connections over datagrams learn of it at once or have to notice.
  public func separate(_ one: String, _ other: String, isReported: Bool = true) {
    tell { state in
      guard state.inRange.remove(Pair(one, other)) != nil else { return [] }
      return [(one, other), (other, one)].flatMap { news(for: $0, of: $1, .vanished, state) }
    }
    let links = state.withLock { $0.links.removeValue(forKey: Pair(one, other)) ?? [] }
    for link in links { link.cut(isReported) }
  }

  /// Breaks the connections between two nodes that stay in range.
  public func cut(_ one: String, _ other: String, isReported: Bool = true) {
    let links = state.withLock { $0.links.removeValue(forKey: Pair(one, other)) ?? [] }
    for link in links { link.cut(isReported) }
  }

  /// Holds up what is sent over the connections of the two, until ``resume(_:_:)``.
  public func stall(_ one: String, _ other: String) { for link in links(one, other) { link.stall() } }
  public func resume(_ one: String, _ other: String) { for link in links(one, other) { link.resume() } }

  /// What goes wrong on the next connection in memory that `caller` opens to `called`; `forth` is from the caller.
  public func setFaults(
    ofNextConnectionFrom caller: String, to called: String, forth: ConnectionPair.Faults = ConnectionPair.Faults(),
    back: ConnectionPair.Faults = ConnectionPair.Faults()
  ) {
    state.withLock { $0.faults[caller, default: [:]][called] = (forth, back) }
  }

  /// What a node announces; who is in range sees it anew.
  public func setAnnouncement(_ announcement: [UInt8], of name: String) {
    tell { state in
      state.nodes[name]?.announcement = Array(announcement.prefix(PeerSighting.announcementByteLimit))
      return state.nodes.keys.sorted().flatMap { news(for: $0, of: name, .appeared, state) }
    }
  }

  /// Connections between two nodes that neither side has ended.
  public func connectionCount(_ one: String, _ other: String) -> Int { links(one, other).count { !$0.isOver() } }

  private func links(_ one: String, _ other: String) -> [Link] { state.withLock { $0.links[Pair(one, other)] ?? [] } }

  /// Watchers are told outside of the lock: one that is just being cancelled waits for it while its own task is locked,
  /// and telling it locks its task.
  private func tell(_ change: (inout State) -> [News]) {
    telling.withLock { _ in
      for news in state.withLock(change) { news.watcher.yield(news.sighting) }
    }
  }

  private func news(
    for watcher: String, of seen: String, _ change: PeerSighting.Change, _ state: State
  ) -> [News] {
    guard let node = state.nodes[seen], change == .vanished || state.canReach(seen, from: watcher) else { return [] }
    let sighting = PeerSighting(address: address(of: seen), change: change, announcement: node.announcement)
    let watchers = (state.nodes[watcher]?.watchers ?? [:]).sorted { $0.key < $1.key }
    return watchers.map { News(watcher: $0.value, sighting: sighting) }
  }
}
