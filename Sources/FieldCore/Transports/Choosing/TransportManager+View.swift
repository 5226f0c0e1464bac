public import FieldWire

extension TransportManager {
  /// Devices of which anything is known.
  public var devices: Set<DeviceKey> {
    Set(routes.values.compactMap(\.device)).union(links.values.map(\.device))
  }

  public func view(of device: DeviceKey, now: Duration) -> PeerView {
    let mine = links.filter { $0.value.device == device && !$0.value.isClosing }
    let best = best(of: device)
    let others = mine.filter { $0.key != best?.id }.sorted { $0.key < $1.key }.map(\.value)
    let ways = routes.filter { $0.value.device == device && $0.value.isKnown }
      .sorted { ($0.key.kind.rawValue, $0.key.location) < ($1.key.kind.rawValue, $1.key.location) }
      .map { address, route in
        PeerView.Way(
          address: address, isSeen: route.isSeen, isTold: route.isTold, isFixed: route.isFixed,
          failureCount: route.failureCount, lastError: route.lastError,
          retryIn: route.notBefore > now ? route.notBefore - now : nil)
      }
    let state: PeerView.State =
      best != nil
      ? .connected : wants[.device(device)] != nil ? .connecting : ways.contains(where: \.isSeen) ? .quiet : .away
    return PeerView(
      state: state,
      links: ([best?.link].compactMap { $0 } + others).map {
        PeerView.Link(
          kind: $0.kind, bytesPerSecond: $0.bytesPerSecond, roundTrip: $0.roundTrip, isStalled: $0.isSuspect)
      },
      why: why(state, best?.link, device), ways: ways)
  }

  private func why(_ state: PeerView.State, _ link: ManagedLink?, _ device: DeviceKey) -> String {
    switch state {
    case .connected:
      guard let link else { return "" }
      let cheaper = costs.filter { $0.value < link.cost }.keys.sorted { cost($0) < cost($1) }
      let against = cheaper.map { reasonAgainst($0, for: device) }
      return against.isEmpty ? "the cheapest transport" : against.joined(separator: "; ")
    case .connecting: return wants[.device(device)]?.reason ?? ""
    case .quiet: return "it holds the same"
    case .away: return "not in reach"
    }
  }
}
