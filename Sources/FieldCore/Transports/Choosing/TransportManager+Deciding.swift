import FieldWire

extension TransportManager {
  /// What follows from all that is known.
  mutating func decide(_ now: Duration, _ actions: inout [Action], _ random: inout some RandomNumberGenerator) {
    wakeAt = nil
    settleDuplicates(now, &actions)
    tellUse(&actions)
    updateWants(now, &random)
    for target in wants.keys.sorted(by: { $0.precedes($1) }) { pursue(target, now, &actions) }
    improve(now, &actions)
    leaveIdle(now, &actions)
    search(now, &actions)
  }

  private mutating func wake(at time: Duration) { wakeAt = min(wakeAt ?? time, time) }

  // MARK: Which session stays

  /// The session that carries what is between this device and another.
  func best(of device: DeviceKey) -> (id: LinkID, link: ManagedLink)? {
    links.filter { $0.value.device == device && !$0.value.isClosing }
      .min { left, right in left.value.rank(left.key) < right.value.rank(right.key) }
      .map { ($0.key, $0.value) }
  }

  private mutating func settleDuplicates(_ now: Duration, _ actions: inout [Action]) {
    let counts = links.values.reduce(into: [DeviceKey: Int]()) { counts, link in
      if !link.isClosing { counts[link.device, default: 0] += 1 }
    }
    for device in counts.filter({ $0.value > 1 }).keys.sorted() {
      guard let best = best(of: device) else { continue }
      for (id, link) in links.sorted(by: { $0.key < $1.key })
      where link.device == device && id != best.id && !link.isClosing {
        // The better one has to carry something first, and to have been heard since the other came: who opened that one
        // may have had its reason.
        guard best.link.isProven, best.link.heardAt > link.openedAt else { continue }
        links[id]?.isClosing = true
        actions.append(.close(id, .replaced))
      }
    }
  }

  private mutating func tellUse(_ actions: inout [Action]) {
    for device in Set(links.values.map(\.device)).sorted() {
      guard let best = best(of: device) else { continue }
      defer { used[device] = best.link.kind }
      guard let before = used[device] else {
        actions.append(.report(.connected(device, best.link.kind, why: best.link.why)))
        continue
      }
      guard before != best.link.kind else { continue }
      let why = best.link.cost < cost(before) ? "it costs less" : reasonAgainst(before, for: device)
      actions.append(.report(.moved(device, from: before, to: best.link.kind, why: why)))
    }
  }

  /// Why a transport is not used with a device.
  func reasonAgainst(_ kind: TransportKind, for device: DeviceKey) -> String {
    if let condition = conditions[kind], !condition.isUsable { return condition.reason }
    if links.values.contains(where: { $0.device == device && $0.kind == kind && $0.isSuspect }) {
      return "\(kind.name) is silent"
    }
    let known = routes.filter { $0.value.device == device && $0.key.kind == kind }
    if let error = known.values.compactMap(\.lastError).first { return "\(kind.name): \(error)" }
    return known.isEmpty ? "the peer is not known on \(kind.name)" : "no connection over \(kind.name) yet"
  }

  // MARK: Whom to connect with

  private mutating func updateWants(_ now: Duration, _ random: inout some RandomNumberGenerator) {
    var reasons: [Target: String] = [:]
    for device in Set(routes.values.compactMap(\.device)) {
      if let reason = reason(toConnectWith: device) { reasons[.device(device)] = reason }
    }
    for (address, route) in routes where route.device == nil {
      if route.isFixed {
        reasons[.address(address)] = "its address was given"
      } else if route.isSeen, !hasMet(route) {
        reasons[.address(address)] = "somebody who is not known yet"
      }
    }
    for case .device(let device) in reasons.keys where links.values.contains(where: { $0.serves(device) }) {
      reasons[.device(device)] = nil
    }
    wants = wants.filter { reasons[$0.key] != nil }
    for (target, reason) in reasons.sorted(by: { $0.key.precedes($1.key) }) {
      if wants[target] != nil {
        wants[target]?.reason = reason
      } else {
        let jitter = Double.random(in: 0..<1, using: &random)
        wants[target] = Want(reason: reason, since: now, urgency: urgency(of: target, now), jitter: jitter)
      }
    }
  }

  private func reason(toConnectWith device: DeviceKey) -> String? {
    let mine = routes.filter { $0.value.device == device }
    if mine.values.contains(where: \.isFixed) { return "its address was given" }
    if links.values.contains(where: { $0.device == device && $0.isDoubted }) { return "the other transport is silent" }
    let seen = mine.values.filter(\.isSeen)
    // The newest word counts: one transport may carry an older beacon than another.
    guard let newest = seen.max(by: { $0.beaconAt < $1.beaconAt }) else { return nil }
    if hasMet(newest) || newest.recognition?.holdsTheSame == true { return nil }
    return newest.recognition == nil ? "what it holds is not known" : "it holds something else"
  }

  private func hasMet(_ route: Route) -> Bool {
    guard let met = route.met, let head else { return false }
    return met.beacon == route.beacon && met.digest == head.digest
  }

  private func urgency(of target: Target, _ now: Duration) -> Urgency {
    if case .device(let device) = target,
      lostAt[device].map({ now - $0 < ChoosingLimits.headStart }) ?? false
        || links.values.contains(where: { $0.device == device && $0.isDoubted })
    {
      return .loss
    }
    let isNew = now - headChangedAt < ChoosingLimits.headStart && now - startedAt > ChoosingLimits.headStart
    return isNew ? .news : .none
  }

  // MARK: Dialling

  private mutating func pursue(_ target: Target, _ now: Duration, _ actions: inout [Action]) {
    guard let want = wants[target] else { return }
    let candidates =
      switch target {
      case .address(let address): [address]
      case .device(let device): ways(to: device)
      }
    // A transport that is silent is given up only for another one.
    let silent = Set(links.values.filter { $0.isDoubted && .device($0.device) == target }.map(\.kind))
    for address in candidates where isUsable(address.kind) && !silent.contains(address.kind) {
      if let since = dialling[address] {
        guard now - since >= ChoosingLimits.headStart else { return wake(at: since + ChoosingLimits.headStart) }
        continue
      }
      guard let route = routes[address] else { continue }
      guard route.notBefore <= now else {
        wake(at: route.notBefore)
        continue
      }
      let due = want.since + (route.failureCount > 0 ? .zero : patience(want, address, route))
      guard due <= now else { return wake(at: due) }
      // A radio makes one connection at a time: its turn comes when the other dial has ended.
      guard dialCount(address.kind) < dialLimit(address.kind, isStranger: route.isStranger) else { continue }
      dial(address, now, &actions)
      wake(at: now + ChoosingLimits.headStart)
      return
    }
  }

  private mutating func dial(_ address: PeerAddress, _ now: Duration, _ actions: inout [Action]) {
    dialling[address] = now
    actions.append(.dial(address))
  }

  /// Addresses of a device, the best first.
  private func ways(to device: DeviceKey) -> [PeerAddress] {
    routes.filter { $0.value.device == device && $0.value.isKnown }.sorted { left, right in
      let (one, other) = (left.value, right.value)
      if cost(left.key.kind) != cost(right.key.kind) { return cost(left.key.kind) < cost(right.key.kind) }
      if one.failureCount != other.failureCount { return one.failureCount < other.failureCount }
      if one.connectedAt != other.connectedAt { return (one.connectedAt ?? .zero) > (other.connectedAt ?? .zero) }
      return left.key.location < right.key.location
    }.map(\.key)
  }

  /// How long to leave it to the other side. Of two devices of which one is a relay the relay dials, so that a gateway
  /// is the center of its star; else the one with the higher key. Strangers go by their beacons.
  private func patience(_ want: Want, _ address: PeerAddress, _ route: Route) -> Duration {
    guard route.isSeen || route.isTold, !route.isFixed else { return .zero }
    let isFirst: Bool
    if let device = route.device {
      let isRelay = (roles[own] == .relay, roles[device] == .relay)
      isFirst = isRelay.0 == isRelay.1 ? own > device : isRelay.0
    } else if let beacon = route.beacon, let own = ownBeacon {
      isFirst = beacon.short.lexicographicallyPrecedes(own.short)
    } else {
      isFirst = false
    }
    guard !isFirst else { return .zero }
    let usual = ChoosingLimits.patience(cost(address.kind))
    let wait =
      switch want.urgency {
      case .none: route.beacon == nil ? ChoosingLimits.patienceWithNews : usual
      case .news: ChoosingLimits.patienceWithNews
      case .loss: min(ChoosingLimits.patienceAfterLoss, usual)
      }
    return wait * (1 + want.jitter / 2)
  }

  /// What this device announces now.
  public var ownBeacon: PresenceBeacon? {
    head.flatMap { reader.beacon(of: own, holding: $0) }
  }

  private func dialCount(_ kind: TransportKind) -> Int { dialling.keys.count { $0.kind == kind } }

  /// Strangers, who may be many and slow, leave one dial to others where there are several.
  private func dialLimit(_ kind: TransportKind, isStranger: Bool = false) -> Int {
    let limit = cost(kind) == .shortRangeRadio ? ChoosingLimits.radioDialCount : ChoosingLimits.networkDialCount
    return isStranger ? max(1, limit - 1) : limit
  }

  /// Tries a cheaper transport beside one that is at work.
  private mutating func improve(_ now: Duration, _ actions: inout [Action]) {
    for device in Set(links.values.map(\.device)).sorted() {
      guard let best = best(of: device), best.link.work == .busy, !best.link.isDoubted else { continue }
      for address in ways(to: device) where cost(address.kind) < best.link.cost && isUsable(address.kind) {
        // A cheaper one that is silent may come back to life by itself.
        guard dialling[address] == nil, let route = routes[address],
          !links.values.contains(where: { $0.device == device && $0.kind == address.kind && !$0.isClosing })
        else { break }
        let retry = route.failedAt.map { min(route.notBefore, $0 + ChoosingLimits.upgradeRetry) } ?? route.notBefore
        let due = max(
          retry, best.link.openedAt + (own > device ? .zero : ChoosingLimits.patience(cost(address.kind))))
        guard due <= now else {
          wake(at: due)
          continue
        }
        guard dialCount(address.kind) < dialLimit(address.kind) else { continue }
        dial(address, now, &actions)
        break
      }
      improveFallback(best.link, now, &actions)
    }
  }

  /// Looks for the better one of two ways over the same transport, beside the other.
  private mutating func improveFallback(_ link: ManagedLink, _ now: Duration, _ actions: inout [Action]) {
    guard link.isFallback, let address = link.address, dialling[address] == nil else { return }
    let due = max(link.openedAt, link.betterTriedAt) + ChoosingLimits.betterRetry
    guard due <= now else { return wake(at: due) }
    guard dialCount(address.kind) < dialLimit(address.kind) else { return }
    dial(address, now, &actions)
  }

  // MARK: Rest

  /// Who opened a session closes it when it has served, if the peer's beacon would tell of anything new.
  private mutating func leaveIdle(_ now: Duration, _ actions: inout [Action]) {
    for (id, link) in links.sorted(by: { $0.key < $1.key }) where link.isOpenedHere && !link.isClosing {
      guard let since = link.idleSince else { continue }
      let mine = routes.values.filter { $0.device == link.device }
      guard mine.contains(where: { $0.isSeen && $0.beacon != nil }), !mine.contains(where: \.isFixed) else { continue }
      let due = since + ChoosingLimits.idleLimit(link.cost)
      guard due <= now else {
        wake(at: due)
        continue
      }
      remember(link.device)
      links[id]?.isClosing = true
      actions.append(.close(id, .done))
      actions.append(.report(.quiet(link.device, link.kind)))
    }
  }

  private mutating func search(_ now: Duration, _ actions: inout [Action]) {
    for kind in costs.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      let effort = effort(over: kind, now)
      guard efforts[kind] != effort else { continue }
      efforts[kind] = effort
      actions.append(.discover(kind, effort))
    }
    for end in [startedAt + ChoosingLimits.eagerTime, headChangedAt + ChoosingLimits.eagerTime] where now < end {
      wake(at: end)
    }
  }

  private func effort(over kind: TransportKind, _ now: Duration) -> DiscoveryEffort {
    let isCovered = roles.keys.allSatisfy { device in
      device == own || links.values.contains { $0.device == device && $0.cost < cost(kind) && !$0.isDoubted }
    }
    if roles.count > 1, isCovered { return .low }
    let hasNews = now - headChangedAt < ChoosingLimits.eagerTime
    if now - startedAt < ChoosingLimits.eagerTime { return .high }
    // Who looks all the time sees within half a minute who has gone; who saves its battery takes three times as long.
    return isOnBattery && !(hasNews && links.isEmpty) ? .normal : .high
  }
}

extension TransportManager.Target {
  /// Devices first; otherwise any order that is the same in every run.
  fileprivate func precedes(_ other: Self) -> Bool {
    switch (self, other) {
    case (.device(let one), .device(let another)): one < another
    case (.device, .address): true
    case (.address, .device): false
    case (.address(let one), .address(let another)):
      (one.kind.rawValue, one.location) < (another.kind.rawValue, another.location)
    }
  }
}

extension ManagedLink {
  /// Whether nothing else is wanted with the device.
  fileprivate func serves(_ device: DeviceKey) -> Bool { self.device == device && !isDoubted && !isClosing }

  /// The lowest is used. Two sides agree on it, but for silence, which each side notices by itself.
  fileprivate func rank(_ id: LinkID) -> (Int, Int, Int, Int, UInt64) {
    (isSuspect ? 1 : 0, cost.rawValue, isFallback ? 1 : 0, isOpenedByHigherKey ? 0 : 1, UInt64.max - id.rawValue)
  }
}

extension TransportKind {
  /// For people.
  public var name: String {
    switch self {
    case .lan: "LAN"
    case .bluetooth: "Bluetooth"
    case .simulated: "simulated"
    }
  }
}
