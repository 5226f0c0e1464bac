import FieldTesting
import FieldWire
import Sodium

@testable import FieldCore

/// Devices with a ``TransportManager`` each, in virtual time, on a LAN and a radio that come and go: everything that
/// the manager is told and asks for, and nothing else. A seed replays a run.
struct Neighbourhood {
  struct Pair: Hashable {
    let low: Int
    let high: Int

    init(_ one: Int, _ other: Int) {
      low = min(one, other)
      high = max(one, other)
    }
  }

  struct Node {
    var manager: TransportManager
    var key: DeviceKey
    var items: ItemSet
    var clockOffset: Int64 = 0
    /// Changes when the device's address does.
    var generation: [TransportKind: Int] = [:]
    /// Every dial of this device fails.
    var cannotDial = false
    var beacon: PresenceBeacon?
    var announced: [TransportKind: [UInt8]] = [:]
    var events: [TransportEvent] = []
    var dialCount: [TransportKind: Int] = [:]
    var seen: [PeerAddress: (node: Int, announcement: [UInt8])] = [:]
  }

  struct Link {
    var ends: [Int: LinkID]
    var kind: TransportKind
    var isFallback: Bool
    var openedAt: Duration
    /// When something last went through.
    var movedAt: Duration
    var byteCount: UInt64 = 0
  }

  enum Happening {
    case dialEnds(Int, PeerAddress)
    case linkGone(Int, LinkID, reason: String, wasInOrder: Bool)
    case sees(Int, PeerAddress, node: Int)
    case loses(Int, PeerAddress)
  }

  static let step = Duration.milliseconds(100)
  static let lan = TransportKind.lan
  static let radio = TransportKind.bluetooth
  private static let presence = SecretBytes(copying: Array(repeating: 9, count: 32))

  var nodes: [Node] = []
  var links: [Link] = []
  var reach: [TransportKind: Set<Pair>] = [lan: [], radio: []]
  var now = Duration.zero
  var random: SeededRandom
  /// Items that a link carries in a step.
  var rate: [TransportKind: Int] = [lan: 1000, radio: 1000]
  /// Kinds whose sessions carry nothing now, although they are there.
  var stalled: Set<TransportKind> = []
  /// Over these only the second best way is to be had.
  var fallbackOnly: Set<TransportKind> = []
  /// Nothing goes through a session until it is so old.
  var silenceAfterOpening: [TransportKind: Duration] = [:]
  var mostRadioDials = 0
  private var queue = EventQueue<Happening>()
  private var lastLink: UInt64 = 0
  private var stepCount = 0

  init(count: Int, seed: UInt64, clockOffsets: [Int64] = [], roles: [DeviceRole] = []) throws {
    random = SeededRandom(seed: seed)
    let keys = (0..<count).map { DeviceKey(Blake2b.hash([UInt8($0)] + Array("\(seed)".utf8))) ?? .zero }
    for (index, key) in keys.enumerated() {
      var node = Node(
        manager: TransportManager(
          own: key, transports: [Self.lan: .wired, Self.radio: .shortRangeRadio], fixed: [],
          reader: PresenceReader(keys: [Self.presence], epoch: PresenceEpoch(secondsSince1970: 1_800_000_000)),
          now: .zero),
        key: key, items: ItemSet([0]))
      node.clockOffset = index < clockOffsets.count ? clockOffsets[index] : 0
      nodes.append(node)
    }
    let all = Dictionary(
      uniqueKeysWithValues: keys.enumerated().map { ($1, $0 < roles.count ? roles[$0] : DeviceRole.member) })
    for index in nodes.indices {
      tellTime(index)
      tell(index, .members(all))
      tell(index, .holds(head(index)))
    }
  }

  func address(_ node: Int, _ kind: TransportKind) -> PeerAddress {
    PeerAddress(kind: kind, location: "\(node)/\(nodes[node].generation[kind] ?? 0)")
  }

  private func node(at address: PeerAddress) -> Int? {
    nodes.indices.first { self.address($0, address.kind) == address }
  }

  private func head(_ node: Int) -> StoreHead {
    let items = nodes[node].items
    return StoreHead(
      epoch: StoreEpoch(rawValue: UInt64(node)), arrival: UInt64(items.count), entryCount: UInt64(items.count),
      digest: Blake2b.hash(items.words.withUnsafeBytes { Array($0) }))
  }

  // MARK: What a test does

  mutating func bringTogether(_ one: Int, _ other: Int, _ kind: TransportKind) {
    guard reach[kind]?.insert(Pair(one, other)).inserted == true else { return }
    for (watcher, seen) in [(one, other), (other, one)] { spread(seen, to: watcher, kind) }
  }

  /// - Parameter isGoodbye: Whether the other side is told, as by a cable that is pulled in order.
  mutating func separate(_ one: Int, _ other: Int, _ kind: TransportKind, isGoodbye: Bool = false) {
    guard reach[kind]?.remove(Pair(one, other)) != nil else { return }
    for (watcher, gone) in [(one, other), (other, one)] {
      let delay: Duration = isGoodbye ? .milliseconds(300) : .seconds(kind == Self.lan ? 24 : 30)
      schedule(delay, .loses(watcher, address(gone, kind)))
    }
  }

  mutating func add(_ item: Int, to node: Int) {
    guard nodes[node].items.insert(item) else { return }
    tell(node, .holds(head(node)))
  }

  mutating func run(_ node: Int, onBattery isOnBattery: Bool) { tell(node, .power(isOnBattery: isOnBattery)) }

  mutating func changeAddress(of node: Int, _ kind: TransportKind) {
    let old = address(node, kind)
    nodes[node].generation[kind, default: 0] += 1
    for link in links where link.kind == kind && link.ends[node] != nil { breakLink(link, reason: "address changed") }
    for other in nodes.indices where reach[kind]?.contains(Pair(node, other)) == true && other != node {
      schedule(.seconds(kind == Self.lan ? 24 : 30), .loses(other, old))
      spread(node, to: other, kind)
    }
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    while now < end { advance() }
  }

  /// - Returns: How long it took, or `nil` when it did not come true.
  mutating func run(within limit: Duration, until condition: (Neighbourhood) -> Bool) -> Duration? {
    let start = now
    while !condition(self) {
      guard now - start < limit else { return nil }
      advance()
    }
    return now - start
  }

  var areEqual: Bool { nodes.allSatisfy { $0.items == nodes[0].items } }
  var dialCount: Int { nodes.reduce(0) { $0 + $1.dialCount.values.reduce(0, +) } }

  /// The kinds of the sessions between two devices that both ends have.
  func kinds(_ one: Int, _ other: Int) -> Set<TransportKind> {
    Set(links.filter { $0.ends[one] != nil && $0.ends[other] != nil }.map(\.kind))
  }

  // MARK: Time

  private mutating func advance() {
    now += Self.step
    stepCount += 1
    while let time = queue.nextTime, time <= now, let next = queue.next() { happen(next.event) }
    for index in links.indices { carry(index) }
    links.removeAll { $0.ends.isEmpty }
    for index in nodes.indices {
      if let wakeAt = nodes[index].manager.wakeAt, wakeAt <= now { tell(index, .timer) }
      announce(index)
    }
    if stepCount % 3 == 0 { for index in nodes.indices { report(index) } }
    if now.components.attoseconds == 0, now.components.seconds % 60 == 0 {
      for index in nodes.indices { tellTime(index) }
    }
    mostRadioDials = max(
      mostRadioDials, nodes.map { $0.manager.dialling.keys.count { $0.kind == Self.radio } }.max() ?? 0)
  }

  private mutating func tellTime(_ node: Int) {
    let seconds = 1_800_000_000 + now.components.seconds + nodes[node].clockOffset
    tell(node, .epoch(PresenceEpoch(secondsSince1970: seconds)))
  }

  private mutating func schedule(_ delay: Duration, _ what: Happening) { queue.add(what, at: now + delay) }

  private mutating func happen(_ what: Happening) {
    switch what {
    case .dialEnds(let caller, let address): endDial(caller, address)
    case .linkGone(let node, let id, let reason, let wasInOrder):
      guard let index = links.firstIndex(where: { $0.ends[node] == id }) else { return }
      links[index].ends[node] = nil
      tell(node, .linkEnded(id, reason: reason, wasInOrder: wasInOrder))
    case .sees(let watcher, let address, let node):
      guard reach[address.kind]?.contains(Pair(watcher, node)) == true, self.address(node, address.kind) == address
      else { return }
      let announcement = announcement(node, address.kind)
      guard nodes[watcher].seen[address]?.announcement != announcement else { return }
      nodes[watcher].seen[address] = (node, announcement)
      tell(watcher, .sighted(PeerSighting(address: address, change: .appeared, announcement: announcement)))
    case .loses(let watcher, let address):
      if let node = node(at: address), reach[address.kind]?.contains(Pair(watcher, node)) == true { return }
      guard nodes[watcher].seen.removeValue(forKey: address) != nil else { return }
      tell(watcher, .sighted(PeerSighting(address: address, change: .vanished)))
    }
  }

  // MARK: Discovery

  private func announcement(_ node: Int, _ kind: TransportKind) -> [UInt8] {
    guard let beacon = nodes[node].beacon else { return [] }
    return kind == Self.lan ? beacon.bytes : beacon.short
  }

  private mutating func announce(_ node: Int) {
    for kind in [Self.lan, Self.radio] {
      let announcement = announcement(node, kind)
      guard nodes[node].announced[kind] != announcement else { continue }
      nodes[node].announced[kind] = announcement
      for other in nodes.indices where other != node { spread(node, to: other, kind) }
    }
  }

  private mutating func spread(_ node: Int, to watcher: Int, _ kind: TransportKind) {
    let delay = kind == Self.lan ? Int.random(in: 50...500, using: &random) : .random(in: 100...1300, using: &random)
    schedule(.milliseconds(delay), .sees(watcher, address(node, kind), node: node))
  }

  // MARK: Connections

  private mutating func tell(_ node: Int, _ event: TransportManager.Event) {
    let actions = nodes[node].manager.handle(event, now: now, using: &random)
    switch event {
    case .holds, .epoch: nodes[node].beacon = nodes[node].manager.ownBeacon
    default: break
    }
    for action in actions {
      switch action {
      case .dial(let address): dial(node, address)
      case .close(let id, let code): close(node, id, code)
      case .discover: break
      case .report(let event): nodes[node].events.append(event)
      }
    }
  }

  private mutating func dial(_ caller: Int, _ address: PeerAddress) {
    nodes[caller].dialCount[address.kind, default: 0] += 1
    let isThere = node(at: address).map { reach[address.kind]?.contains(Pair(caller, $0)) ?? false } ?? false
    let milliseconds =
      switch (address.kind, isThere) {
      case (Self.lan, true): Int.random(in: 20...200, using: &random)
      case (Self.lan, false): 5000
      case (_, true): Int.random(in: 800...3000, using: &random)
      case (_, false): 8000
      }
    schedule(.milliseconds(milliseconds), .dialEnds(caller, address))
  }

  private mutating func endDial(_ caller: Int, _ address: PeerAddress) {
    guard let called = node(at: address), called != caller, !nodes[caller].cannotDial,
      reach[address.kind]?.contains(Pair(caller, called)) == true
    else { return tell(caller, .dialFailed(address, reason: "nobody answers", isStranger: false)) }
    // Two radios that call each other at once miss each other half of the time.
    let isCrossed = nodes[called].manager.dialling.keys.contains { $0 == self.address(caller, address.kind) }
    if address.kind == Self.radio, isCrossed, Bool.random(using: &random) {
      return tell(caller, .dialFailed(address, reason: "abort-by-local", isStranger: false))
    }
    let isFallback = fallbackOnly.contains(address.kind)
    let hasFallback = links.contains {
      $0.isFallback && $0.kind == address.kind && Set($0.ends.keys) == [caller, called]
    }
    if isFallback, hasFallback {
      return tell(caller, .dialFailed(address, reason: "no better one is to be had", isStranger: false))
    }
    let ids = (LinkID(lastLink + 1), LinkID(lastLink + 2))
    lastLink += 2
    links.append(
      Link(
        ends: [caller: ids.0, called: ids.1], kind: address.kind, isFallback: isFallback, openedAt: now,
        movedAt: now))
    tell(called, .linkOpened(ids.1, nodes[caller].key, address.kind, isFallback: isFallback, dialled: nil))
    tell(caller, .linkOpened(ids.0, nodes[called].key, address.kind, isFallback: isFallback, dialled: address))
  }

  private mutating func close(_ node: Int, _ id: LinkID, _ code: CloseCode) {
    guard let link = links.first(where: { $0.ends[node] == id }) else { return }
    schedule(.zero, .linkGone(node, id, reason: "closed", wasInOrder: true))
    guard let (other, otherID) = link.ends.first(where: { $0.key != node }) else { return }
    if reach[link.kind]?.contains(Pair(node, other)) == true {
      schedule(.milliseconds(50), .linkGone(other, otherID, reason: "closed by the peer", wasInOrder: true))
    }
  }

  private mutating func breakLink(_ link: Link, reason: String) {
    for (node, id) in link.ends { schedule(.zero, .linkGone(node, id, reason: reason, wasInOrder: false)) }
  }

  /// One step of one session: items go both ways, or it is dead and somebody notices.
  private mutating func carry(_ index: Int) {
    let link = links[index]
    let nodes = link.ends.keys.sorted()
    guard nodes.count == 2, reach[link.kind]?.contains(Pair(nodes[0], nodes[1])) == true else {
      // A radio's link has its own time-out, a network's only the session's.
      let limit = Duration.seconds(link.kind == Self.radio ? 6 : 24)
      if now - link.movedAt >= limit { breakLink(link, reason: "the peer is silent") }
      return
    }
    guard !stalled.contains(link.kind), now - link.openedAt >= silenceAfterOpening[link.kind, default: .zero] else {
      return
    }
    links[index].movedAt = now
    guard now - link.openedAt > .milliseconds(300) else { return }
    for (from, to) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
      let count = self.nodes[to].items.take(rate[link.kind] ?? 1, from: self.nodes[from].items)
      guard count > 0 else { continue }
      links[index].byteCount += UInt64(count) * 1000
      tell(to, .holds(head(to)))
    }
  }

  private mutating func report(_ node: Int) {
    for link in links {
      guard let id = link.ends[node] else { continue }
      let isEqual = link.ends.keys.allSatisfy { nodes[$0].items == nodes[node].items } && link.ends.count == 2
      // Idle sessions ping every eight seconds, often both ends at once.
      let pings = UInt64((now - link.openedAt).components.seconds / 8)
      let report = LinkReport(
        silence: now - link.movedAt, byteCount: link.byteCount + 120 * pings,
        receivedCount: link.movedAt - link.openedAt > .milliseconds(300) ? 1 : 0,
        work: isEqual ? .inStep : .busy)
      tell(node, .linkReport(id, report))
    }
  }
}
