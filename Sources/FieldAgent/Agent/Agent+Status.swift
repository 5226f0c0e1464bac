import FieldCore
import FieldWire
import Logging

/// What the agent tells people and programs.
extension Agent {
  func report(_ event: TransportEvent) {
    log.append(AgentEvent(event))
    switch event {
    case .appeared(let device, let address):
      logger.debug("appeared", metadata: ["peer": "\(Self.name(device))", "address": "\(address)"])
    case .vanished(let device, let address):
      logger.debug("vanished", metadata: ["peer": "\(Self.name(device))", "address": "\(address)"])
    case .connected, .disconnected, .dialFailed: break  // said where it happens
    case .moved(let device, let before, let kind, let why):
      logger.info(
        "moved",
        metadata: [
          "peer": "\(Self.short(device))", "from": "\(before.rawValue)", "to": "\(kind.rawValue)", "why": "\(why)",
        ])
    case .stalled(let device, let kind, let silence):
      logger.info(
        "stalled",
        metadata: ["peer": "\(Self.short(device))", "transport": "\(kind.rawValue)", "silence": "\(silence)"])
    case .quiet(let device, let kind):
      logger.info("quiet", metadata: ["peer": "\(Self.short(device))", "transport": "\(kind.rawValue)"])
    case .condition(let kind, let condition?):
      logger.info(
        "transport problem",
        metadata: [
          "transport": "\(kind.rawValue)", "code": "\(condition.code)", "reason": "\(condition.reason)",
          "remedy": "\(condition.remedy)",
        ])
    case .condition(let kind, nil): logger.info("transport well", metadata: ["transport": "\(kind.rawValue)"])
    }
  }

  private static func name(_ device: DeviceKey?) -> String { device.map(short) ?? "unknown" }

  func note(_ event: SyncEvent, of peer: DeviceKey, after before: AgentStatus.Peer?) {
    switch event {
    case .connected: break
    case .chose(let choice):
      logger.info(
        "reconciling",
        metadata: ["peer": "\(Self.short(peer))", "rung": "\(choice.rung.rawValue)", "why": "\(choice.reason)"])
      var event = AgentEvent(.reconciling)
      event.peer = peer.description
      event.code = choice.rung.rawValue
      event.reason = choice.reason
      log.append(event)
    case .reconciled(let report):
      logger.info(
        "compared",
        metadata: [
          "peer": "\(Self.short(peer))", "bytes": "\(report.byteCount)", "turns": "\(report.turnCount)",
          "wanted": "\(report.wantedCount.map(String.init) ?? "unknown")",
        ])
    case .pulling(let plan):
      logger.info(
        "pulling", metadata: ["peer": "\(Self.short(peer))", "rung": "\(plan.rung.rawValue)", "why": "\(plan.reason)"])
      note(peer) { $0.inStep = false }
    case .progress(let progress):
      note(peer) {
        $0.receivedEntries = (before?.receivedEntries ?? 0) + progress.receivedCount
        $0.receivedBytes = (before?.receivedBytes ?? 0) + progress.receivedByteCount
        $0.refusedEntries = (before?.refusedEntries ?? 0) + progress.refusedCount
        $0.wanted = progress.wantedCount
        $0.offered = progress.offeredCount
      }
    case .pulled(let report):
      logger.info(
        "pulled",
        metadata: [
          "peer": "\(Self.short(peer))", "stored": "\(report.storedCount)", "duplicate": "\(report.duplicateCount)",
          "refused": "\(report.refusedCount)", "missing": "\(report.missingCount)",
        ])
      note(peer) { $0.wanted = 0 }
    case .inStep:
      logger.info("in step", metadata: ["peer": "\(Self.short(peer))"])
      if peers[peer]?.inStep != true {
        var event = AgentEvent(.inStep)
        event.peer = peer.description
        log.append(event)
      }
      note(peer) {
        $0.inStep = true
        $0.notTaken = []
        $0.wanted = 0
        $0.offered = 0
      }
    case .settledApart:
      logger.notice(
        "settled, and different: one side refuses what the other holds", metadata: ["peer": "\(Self.short(peer))"])
    case .refusedByPeer(let items):
      let notTaken = items.map(AgentStatus.NotTaken.init)
      for item in notTaken where before?.notTaken.contains(where: { $0.code == item.code }) != true {
        logger.notice(
          "not taken by the peer",
          metadata: ["peer": "\(Self.short(peer))", "reason": "\(item.reason)", "remedy": "\(item.remedy)"])
        var event = AgentEvent(.notTaken)
        event.peer = peer.description
        event.code = item.code
        event.reason = item.reason
        event.remedy = item.remedy
        log.append(event)
      }
      note(peer) { $0.notTaken = notTaken }
    case .addresses(let addresses): handle(.toldAddresses(addresses, by: peer))
    }
  }

  func note(_ peer: DeviceKey, _ change: (inout AgentStatus.Peer) -> Void) {
    guard peers[peer] != nil || peers.count < AgentLimits.statusPeerCount else { return }
    var state =
      peers[peer]
      ?? AgentStatus.Peer(
        device: peer.description, inStep: false, wanted: 0, offered: 0, receivedEntries: 0, receivedBytes: 0,
        refusedEntries: 0)
    change(&state)
    peers[peer] = state
    isStatusStale = true
  }

  /// A device that knows the workspace's key, and that the directory gives no role.
  func notePending(_ session: Session) {
    pending.note(
      AgentStatus.Pending(
        device: session.peer.description, transport: session.transportKind.rawValue, address: session.peerDescription))
    isStatusStale = true
  }

  func keepStatus() async {
    repeat {
      guard isStatusStale else { continue }
      isStatusStale = false
      do {
        try status().write(to: home.home.statusPath)
      } catch {
        logger.warning("cannot write the status", metadata: ["reason": "\(error)"])
      }
      do {
        try log.flush()
      } catch {
        logger.warning("cannot write the events", metadata: ["reason": "\(error)"])
      }
    } while (try? await clock.sleep(for: AgentLimits.statusInterval)) != nil
    try? log.flush()
  }

  private func status() -> AgentStatus {
    let now = time.now()
    // Of who has gone the manager may know nothing any more.
    for device in (manager?.devices ?? []).union(peers.keys) where device != home.identity.device {
      guard let view = manager?.view(of: device, now: now) else { continue }
      note(device) { peer in
        peer.set(view)
        peer.transport = view.links.first?.kind.rawValue
        peer.address =
          links.values.first {
            $0.session.peer == device && $0.session.transportKind == view.links.first?.kind
          }?.session.peerDescription
      }
    }
    isStatusStale = false
    return AgentStatus(
      transports: transportStates, peers: peers.sorted { $0.key < $1.key }.map(\.value), pending: pending.list)
  }
}
