public import FieldWire
public import Sodium

/// Holds what is known of every peer, and decides whom to dial, over what and when, which of two sessions stays, and
/// when a session has served its purpose. No IO, no clock: events in, actions out, and ``wakeAt`` says when to come
/// back with `.timer`.
///
/// What it keeps to, whatever happens:
/// - Of the transports that work the cheapest one is used; while a session is silent that has work to do, the next one
///   is tried beside it, and the loser goes once the winner has carried something (make before break).
/// - Peers that hold the same stay unconnected, as far as their beacons tell.
/// - One dial at a time for each radio. Of two that see each other one dials, and the other if that does not happen.
/// - Addresses that fail are tried again after pauses that grow, and at once when something new is known of them.
public struct TransportManager: Sendable {
  public enum Event: Sendable {
    case sighted(PeerSighting)
    /// A device told, in a session, where else it can be reached.
    case toldAddresses([PeerAddress], by: DeviceKey)
    /// The own store, at the start and after each change.
    case holds(StoreHead)
    /// The workspace's devices, the own one included.
    case members([DeviceKey: DeviceRole])
    case epoch(PresenceEpoch)
    /// The workspace's presence keys, the present one first.
    case keys([SecretBytes])
    /// - isStranger: Who answered, or did not, has no part in the workspace.
    case dialFailed(PeerAddress, reason: String, isStranger: Bool)
    /// - isFallback: The transport has a better way to reach a peer, which could not be had.
    /// - dialled: The address, of a session that was opened here.
    case linkOpened(LinkID, DeviceKey, TransportKind, isFallback: Bool = false, dialled: PeerAddress?)
    case linkReport(LinkID, LinkReport)
    case linkEnded(LinkID, reason: String, wasInOrder: Bool)
    /// Something about the machine's own networks or adapters is new.
    ///
    /// - isThere: Whether there is any network left.
    case networkChanged(TransportKind, isThere: Bool)
    case condition(TransportKind, TransportCondition?)
    case power(isOnBattery: Bool)
    case timer
  }

  public enum Action: Hashable, Sendable {
    /// Connect, and answer with `.dialFailed` or `.linkOpened`.
    case dial(PeerAddress)
    /// Close a session, and answer with `.linkEnded`.
    case close(LinkID, CloseCode)
    case discover(TransportKind, DiscoveryEffort)
    case report(TransportEvent)
  }

  /// Whom a connection is wanted with.
  enum Target: Hashable, Sendable {
    case device(DeviceKey)
    /// Somebody who was not recognised.
    case address(PeerAddress)
  }

  enum Urgency: Sendable {
    case none
    /// Something is new here: the peer may not know yet that there is anything to do.
    case news
    /// A session was lost, or is silent: the peer notices as well.
    case loss
  }

  struct Want: Sendable {
    var reason: String
    var since: Duration
    var urgency: Urgency
    /// 0 to 1.
    var jitter: Double
  }

  struct GivenUp: Sendable {
    var kind: TransportKind
    var at: Duration
    var silence: Duration
  }

  let own: DeviceKey
  let costs: [TransportKind: TransportCost]
  var reader: PresenceReader
  var roles: [DeviceKey: DeviceRole] = [:]
  var head: StoreHead?
  var headChangedAt: Duration = .zero
  var routes: [PeerAddress: Route] = [:]
  var links: [LinkID: ManagedLink] = [:]
  var dialling: [PeerAddress: Duration] = [:]
  var wants: [Target: Want] = [:]
  var conditions: [TransportKind: TransportCondition] = [:]
  var efforts: [TransportKind: DiscoveryEffort] = [:]
  /// The transport that was last said to be in use with a device.
  var used: [DeviceKey: TransportKind] = [:]
  var lostAt: [DeviceKey: Duration] = [:]
  /// Who lost its place for its silence.
  var givenUp: [DeviceKey: GivenUp] = [:]
  var isOnBattery = false
  /// Transports whose sessions are doubted sooner.
  var withoutNetwork: Set<TransportKind> = []
  let startedAt: Duration

  /// When to come back with `.timer` at the latest; `nil` when only events matter.
  public internal(set) var wakeAt: Duration?

  /// - Parameters:
  ///   - transports: What there is, and what a byte costs there.
  ///   - fixed: Addresses to stay connected with, seen or not.
  ///   - now: Of any clock that never goes back, the same in every call.
  public init(
    own: DeviceKey, transports: [TransportKind: TransportCost], fixed: [PeerAddress], reader: PresenceReader,
    now: Duration
  ) {
    self.own = own
    costs = transports
    self.reader = reader
    startedAt = now
    for address in fixed where transports[address.kind] != nil {
      routes[address] = Route(isFixed: true, notBefore: now)
    }
  }

  /// - Parameter random: For jitter alone.
  public mutating func handle(
    _ event: Event, now: Duration, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    var actions: [Action] = []
    guard take(event, jitter: Double.random(in: 0..<1, using: &random), now, &actions) else { return [] }
    decide(now, &actions, &random)
    return actions
  }

  /// - Returns: `false` when nothing follows from it: strangers may announce themselves without end.
  private mutating func take(_ event: Event, jitter: Double, _ now: Duration, _ actions: inout [Action]) -> Bool {
    switch event {
    case .sighted(let sighting): return sighted(sighting, now, &actions)
    case .toldAddresses(let addresses, by: let device): told(addresses, by: device, now)
    case .holds(let head):
      if self.head?.digest != head.digest { headChangedAt = now }
      self.head = head
      recognise()
    case .members(let roles):
      self.roles = roles
      reader.update(devices: roles.keys.filter { $0 != own }.sorted())
      recognise()
    case .epoch(let epoch):
      reader.update(epoch: epoch)
      recognise()
    case .keys(let keys):
      reader.update(keys: keys)
      recognise()
    case .dialFailed(let address, reason: let reason, isStranger: let isStranger):
      dialling[address] = nil
      failed(address, reason, isStranger: isStranger, jitter: jitter, now, &actions)
    case .linkOpened(let id, let device, let kind, let isFallback, dialled: let address):
      opened(id, device, kind, isFallback: isFallback, address, now)
    case .linkReport(let id, let report): reported(id, report, now, &actions)
    case .linkEnded(let id, reason: let reason, wasInOrder: let wasInOrder):
      ended(id, reason, wasInOrder: wasInOrder, jitter: jitter, now, &actions)
    case .networkChanged(let kind, isThere: let isThere):
      if isThere { withoutNetwork.remove(kind) } else { withoutNetwork.insert(kind) }
      for address in routes.keys where address.kind == kind { routes[address]?.forgetFailures(now: now) }
    case .condition(let kind, let condition):
      guard conditions[kind] != condition else { break }
      let wasUsable = isUsable(kind)
      conditions[kind] = condition
      actions.append(.report(.condition(kind, condition)))
      if !wasUsable, isUsable(kind) {
        for address in routes.keys where address.kind == kind { routes[address]?.forgetFailures(now: now) }
      }
    case .power(isOnBattery: let isOnBattery): self.isOnBattery = isOnBattery
    case .timer: break
    }
    return true
  }

  func isUsable(_ kind: TransportKind) -> Bool { costs[kind] != nil && conditions[kind]?.isUsable ?? true }

  func cost(_ kind: TransportKind) -> TransportCost { costs[kind] ?? .shortRangeRadio }

  // MARK: Sightings and addresses

  private mutating func sighted(_ sighting: PeerSighting, _ now: Duration, _ actions: inout [Action]) -> Bool {
    guard costs[sighting.address.kind] != nil else { return false }
    switch sighting.change {
    case .vanished:
      guard var route = routes[sighting.address], route.isSeen else { return false }
      route.isSeen = false
      route.beacon = nil
      route.recognition = nil
      actions.append(.report(.vanished(route.device, sighting.address)))
      keepOrForget(route, at: sighting.address)
    case .appeared:
      let beacon = PresenceBeacon(sighting.announcement.suffix(PresenceBeacon.byteCount(of: sighting.announcement)))
      let recognition = recognition(of: beacon)
      guard routes[sighting.address] != nil || makeRoom(forStranger: recognition == nil) else {
        return false
      }
      var route = routes[sighting.address] ?? Route(notBefore: now)
      // A machine that serves several workspaces announces them in turn: the others' tags are noise here.
      if recognition == nil, route.isSeen, route.recognition != nil,
        now - route.recognisedAt < ChoosingLimits.announcementTurn
      {
        return false
      }
      if recognition != nil { route.recognisedAt = now }
      let isNews = !route.isSeen
      if isNews { route.forgetFailures(now: now) }
      if isNews || route.beacon != beacon {
        let isSomebodyElse = route.isSeen && route.beacon?.identity != beacon?.identity
        route.beacon = beacon
        route.beaconAt = now
        route.recognition = recognition
        if let device = route.recognition?.device {
          route.device = device
        } else if isSomebodyElse, !isInUse(sighting.address) {
          route.device = nil
        }
      }
      route.isSeen = true
      routes[sighting.address] = route
      if isNews { actions.append(.report(.appeared(route.device, sighting.address))) }
    }
    return true
  }

  private mutating func told(_ addresses: [PeerAddress], by device: DeviceKey, _ now: Duration) {
    for (address, route) in routes where route.isTold && route.device == device && !addresses.contains(address) {
      var route = route
      route.isTold = false
      keepOrForget(route, at: address)
    }
    for address in addresses.prefix(ChoosingLimits.toldAddressCount) where costs[address.kind] != nil {
      guard routes[address] != nil || makeRoom(forStranger: false) else { return }
      var route = routes[address] ?? Route(notBefore: now)
      route.isTold = true
      // What a session or a beacon has shown is better than what somebody says.
      if route.device == nil { route.device = device }
      routes[address] = route
    }
  }

  private mutating func keepOrForget(_ route: Route, at address: PeerAddress) {
    routes[address] = route.isKnown || isInUse(address) ? route : nil
  }

  /// Whether there is room for another route; the one that was of use longest ago goes, if it is nothing now. Strangers
  /// share a part of the room: of them the one that failed longest ago goes, so that each has its turn, and a member
  /// has its place however many they are.
  private mutating func makeRoom(forStranger isStranger: Bool) -> Bool {
    if isStranger {
      let strangers = routes.filter { $0.value.isStranger }
      guard strangers.count >= ChoosingLimits.strangerRouteCount else { return true }
      let failed = strangers.filter { $0.value.failedAt != nil && !isInUse($0.key) }
      guard let first = failed.min(by: { ($0.value.failedAt ?? .zero) < ($1.value.failedAt ?? .zero) }) else {
        return false
      }
      routes[first.key] = nil
      return true
    }
    guard routes.count >= ChoosingLimits.routeCount else { return true }
    let idle = routes.filter { !$0.value.isFixed && !$0.value.isSeen && !isInUse($0.key) }
    let oldest =
      idle.min {
        ($0.value.connectedAt ?? .zero, $0.key.location) < ($1.value.connectedAt ?? .zero, $1.key.location)
      } ?? routes.first { $0.value.isStranger && !isInUse($0.key) }
    guard let oldest else { return false }
    routes[oldest.key] = nil
    return true
  }

  private func isInUse(_ address: PeerAddress) -> Bool {
    dialling[address] != nil || links.values.contains { $0.address == address }
  }

  /// Reads every beacon again: who is a member, what is here or the time is new.
  private mutating func recognise() {
    for (address, route) in routes {
      guard let beacon = route.beacon else { continue }
      let recognition = recognition(of: beacon)
      routes[address]?.recognition = recognition
      if let device = recognition?.device { routes[address]?.device = device }
    }
  }

  private func recognition(of beacon: PresenceBeacon?) -> PresenceReader.Recognition? {
    guard let beacon, let head else { return nil }
    return reader.read(beacon, against: head)
  }

  // MARK: Dials and sessions

  private static func pause(after failureCount: Int, jitter: Double) -> Duration {
    min(ChoosingLimits.firstRetry * (1 << failureCount), ChoosingLimits.longestRetry) * (0.8 + 0.4 * jitter)
  }

  private mutating func failed(
    _ address: PeerAddress, _ reason: String, isStranger: Bool, jitter: Double, _ now: Duration,
    _ actions: inout [Action]
  ) {
    // The way is good, only no better one was to be had.
    if let id = links.first(where: { $0.value.address == address && $0.value.isFallback && !$0.value.isClosing })?.key {
      links[id]?.betterTriedAt = now
      return
    }
    guard var route = routes[address] else { return }
    // Whoever was recognised, or was named by the user, had another reason to hang up.
    let isStranger = isStranger && route.recognition == nil && !route.isFixed
    let pause =
      isStranger ? ChoosingLimits.strangerRetry : Self.pause(after: route.failureCount, jitter: jitter)
    route.failed(reason, pause: pause, now: now)
    actions.append(.report(.dialFailed(route.device, address, reason: reason, retryIn: pause)))
    keepOrForget(route, at: address)
  }

  private mutating func opened(
    _ id: LinkID, _ device: DeviceKey, _ kind: TransportKind, isFallback: Bool, _ address: PeerAddress?,
    _ now: Duration
  ) {
    let target = wants[.device(device)] ?? address.flatMap { wants[.address($0)] }
    links[id] = ManagedLink(
      device: device, kind: kind, cost: cost(kind), isFallback: isFallback, address: address,
      isOpenedHere: address != nil,
      isOpenedByHigherKey: (address != nil) == (own > device), openedAt: now, heardAt: now, reportedAt: now,
      why: address == nil ? "the peer connected" : target?.reason ?? "a better transport")
    if let before = givenUp[device], before.kind == kind, now - before.at < ChoosingLimits.quickReturn {
      links[id]?.gauge = SilenceGauge(survived: before.silence)
    }
    // Who connected can be reached, whatever a dial of the same moment said; how often it failed is forgotten when the
    // session comes to something.
    for (known, route) in routes where route.device == device && known.kind == kind {
      routes[known]?.notBefore = min(route.notBefore, now)
      routes[known]?.lastError = nil
    }
    if let address {
      dialling[address] = nil
      if var route = routes[address] {
        route.device = device
        route.connectedAt = now
        route.lastError = nil
        routes[address] = route
      }
    }
  }

  private mutating func reported(_ id: LinkID, _ report: LinkReport, _ now: Duration, _ actions: inout [Action]) {
    guard var link = links[id] else { return }
    let wasSuspect = link.isSuspect
    link.note(report, isWithoutNetwork: withoutNetwork.contains(link.kind), now: now)
    links[id] = link
    if link.isSuspect, !wasSuspect {
      actions.append(.report(.stalled(link.device, link.kind, silence: report.silence)))
    }
    if now - link.openedAt >= ChoosingLimits.shortestUse || report.work != .busy {
      for (address, route) in routes where route.failureCount > 0 && link.isOver(address, of: route) {
        routes[address]?.forgetFailures(now: now)
      }
    }
    if report.work != .busy { remember(link.device) }
    if report.silence >= ChoosingLimits.longestSilence, !link.isClosing {
      links[id]?.isDead = true
      links[id]?.isClosing = true
      actions.append(.close(id, .shuttingDown))
    }
  }

  /// Nothing is left to do with a device as long as its beacons and the store here stay as they are.
  mutating func remember(_ device: DeviceKey) {
    guard let head else { return }
    for (address, route) in routes where route.device == device && route.isSeen {
      routes[address]?.met = Route.Meeting(beacon: route.beacon, digest: head.digest)
    }
  }

  private mutating func ended(
    _ id: LinkID, _ reason: String, wasInOrder: Bool, jitter: Double, _ now: Duration, _ actions: inout [Action]
  ) {
    guard let link = links.removeValue(forKey: id) else { return }
    // Whoever knows the workspace's key may make up devices without end.
    lostAt = lostAt.filter { now - $0.value < ChoosingLimits.headStart }
    givenUp = givenUp.filter { now - $0.value.at < ChoosingLimits.quickReturn }
    if link.isSuspect {
      givenUp[link.device] = GivenUp(kind: link.kind, at: now, silence: now - link.heardAt)
    } else if givenUp[link.device]?.kind == link.kind {
      givenUp[link.device] = nil
    }
    let wasInOrder = wasInOrder && !link.isDead
    let reason = link.isDead ? "the peer is silent" : reason
    if link.work != .busy, wasInOrder { remember(link.device) }
    if !wasInOrder { lostAt[link.device] = now }
    let isLast = !links.values.contains { $0.device == link.device }
    let isByThisSide = link.isClosing && !link.isDead
    // A peer that cannot go on, for want of room say, ends its sessions in order.
    let isInVain =
      now - link.openedAt < ChoosingLimits.shortestUse && !isByThisSide
      && (!wasInOrder || (isLast && link.work == .busy))
    if let address = link.address, var route = routes[address] {
      if isInVain {
        // What came in was not in vain: then the way is bad, and better tried again soon.
        if headChangedAt > link.openedAt { route.failureCount = 0 }
        route.failed(reason, pause: Self.pause(after: route.failureCount, jitter: jitter), now: now)
      } else if wasInOrder || isByThisSide {
        route.notBefore = max(route.notBefore, now + ChoosingLimits.retryAfterLoss)
      } else {
        route.lastError = reason
        route.notBefore = now + ChoosingLimits.retryAfterLoss
      }
      keepOrForget(route, at: address)
    } else if isInVain {
      // Or two that fail each other would call each other back at once, without end.
      for (address, route) in routes where route.failureCount > 0 && link.isOver(address, of: route) {
        let pause = Self.pause(after: route.failureCount - 1, jitter: jitter)
        routes[address]?.notBefore = max(route.notBefore, now + pause)
      }
    }
    guard isLast else { return }
    used[link.device] = nil
    actions.append(.report(.disconnected(link.device, link.kind, reason: reason)))
  }
}

extension ManagedLink {
  /// Whether the session is with who is at an address, over the same transport.
  fileprivate func isOver(_ address: PeerAddress, of route: Route) -> Bool {
    address == self.address || (route.device == device && address.kind == kind)
  }
}

extension PresenceBeacon {
  /// How many of an announcement's last bytes are the beacon.
  fileprivate static func byteCount(of announcement: [UInt8]) -> Int {
    announcement.count >= longByteCount ? longByteCount : min(announcement.count, shortByteCount)
  }
}
