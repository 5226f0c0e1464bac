public import FieldCore
import FieldWire
public import Logging
import Sodium

/// The service: keeps a home in step with every peer that its transports reach, and lets in who holds one of its
/// invitations. One code path for every transport.
///
/// It owns its sessions, one for each peer; of two with the same peer, both sides keep the one that the device with the
/// higher key opened.
public actor Agent {
  private let home: OpenHome
  private let transports: [any NetworkTransport]
  private let fixed: [PeerAddress]
  private let announcement: [UInt8]
  private let clock = ContinuousClock()
  private let logger: Logger

  private var handshakeCount = 0
  private var sessions: [DeviceKey: Running] = [:]
  private var planners: [TransportKind: DialPlanner<ContinuousClock.Instant>] = [:]
  private var dialWakers: [TransportKind: AsyncStream<Void>.Continuation] = [:]
  private var peers: [DeviceKey: AgentStatus.Peer] = [:]
  private var transportStates: [AgentStatus.Transport] = []
  private var isStatusStale = true

  private struct Running {
    var session: Session
    var isOpenedByHigherKey: Bool
  }

  /// - Parameters:
  ///   - fixed: Peers to dial whether they are seen or not.
  ///   - announcement: What this device announces over transports that discover, for the rule who dials.
  public init(
    home: OpenHome, transports: [any NetworkTransport], fixed: [PeerAddress] = [], announcement: [UInt8] = [],
    logger: Logger
  ) {
    self.home = home
    self.transports = transports
    self.fixed = fixed
    self.announcement = announcement
    self.logger = logger
  }

  /// Runs until the task is cancelled. A transport that cannot go on is reported in the status; the others go on.
  public func run() async throws {
    transportStates = transports.map { AgentStatus.Transport(kind: $0.kind.rawValue) }
    for transport in transports {
      planners[transport.kind] = DialPlanner(
        ownAnnouncement: announcement, fixed: fixed.filter { $0.kind == transport.kind }, now: clock.now)
    }
    await withDiscardingTaskGroup { group in
      for (index, transport) in transports.enumerated() {
        group.addTask { await self.run(transport, index) }
        group.addTask { await self.accept(from: transport) }
        group.addTask { await self.follow(transport) }
        group.addTask { await self.dial(over: transport) }
      }
      group.addTask { await self.keepStatus() }
    }
    for running in sessions.values { await running.session.close(.shuttingDown) }
  }

  private func run(_ transport: any NetworkTransport, _ index: Int) async {
    do {
      try await transport.run()
    } catch {
      logger.error(
        "transport stopped", metadata: ["transport": "\(transport.kind.rawValue)", "reason": "\(error.reason)"])
      transportStates[index].problem = error.reason
      isStatusStale = true
    }
  }

  // MARK: Connections

  private func accept(from transport: any NetworkTransport) async {
    await withDiscardingTaskGroup { group in
      for await connection in transport.incomingConnections() {
        guard handshakeCount < AgentLimits.handshakeCount, sessions.count < AgentLimits.sessionCount else {
          await connection.close()
          continue
        }
        handshakeCount += 1
        group.addTask { await self.serve(connection) }
      }
    }
  }

  private func serve(_ connection: any TransportConnection) async {
    let session: Session
    do {
      defer { handshakeCount -= 1 }
      session = try await establisher.respond(on: connection, with: try keys())
    } catch {
      logger.debug("no session", metadata: ["peer": "\(connection.peerDescription)", "reason": "\(error)"])
      return
    }
    switch session.secrets.purpose {
    case .sync: _ = await run(session, isInitiator: false)
    case .join: await letIn(session)
    }
  }

  private var establisher: SessionEstablisher { SessionEstablisher(identity: home.identity.keyPair, clock: clock) }

  /// What peers may begin with: the workspace's key, and those of the open invitations.
  private func keys() throws -> [SessionKey] {
    let invitations = (try? home.home.invitations.pending()) ?? []
    return [try home.syncKey] + invitations.map { .invitation(secret: $0.secret, workspace: home.identity.workspace) }
  }

  private func letIn(_ session: Session) async {
    let running = Task { await session.run() }
    do {
      let pending = try home.home.invitations.pending().first {
        SessionKey.invitation(secret: $0.secret, workspace: home.identity.workspace).secret
          == session.secrets.key.secret
      }
      try await Joining.answer(in: session) { [home, logger] device, name in
        guard let pending else { throw AgentError(.peerRefused, "The invitation is used up or expired.") }
        let role = try home.home.invitations.claim(secret: pending.secret, for: device)
        let entries = try await home.admit(device, named: name, as: role)
        logger.notice("let in", metadata: ["device": "\(Self.short(device))", "role": "\(role)"])
        return entries
      }
    } catch {
      logger.notice("not let in", metadata: ["device": "\(Self.short(session.peer))", "reason": "\(error)"])
    }
    _ = await running.value
  }

  /// Syncs over a session until it ends.
  ///
  /// - Returns: Whether it was of use.
  private func run(_ session: Session, isInitiator: Bool) async -> Bool {
    let peer = session.peer
    let own = home.identity.device
    let isOpenedByHigherKey = isInitiator == (own > peer)
    if let running = sessions[peer] {
      guard isOpenedByHigherKey || !running.isOpenedByHigherKey else {
        await session.close(.replaced)
        _ = await session.run()
        return true
      }
      await running.session.close(.replaced)
    }
    sessions[peer] = Running(session: session, isOpenedByHigherKey: isOpenedByHigherKey)
    note(peer) {
      $0.transport = session.transportKind.rawValue
      $0.address = session.peerDescription
      $0.lastError = nil
    }
    logger.info("connected", metadata: Self.metadata(session))
    let sync = PeerSync(session: session, store: home.store, ownDevice: own, ending: .never, clock: clock)
    let before = peers[peer]
    let listener = Task {
      for await event in sync.events { self.note(event, of: peer, after: before) }
    }
    let outcome = await sync.run()
    await listener.value
    if sessions[peer]?.session === session { sessions[peer] = nil }
    let wasInOrder = outcome.end.code == .closed
    note(peer) {
      if sessions[peer] == nil {
        $0.transport = nil
        $0.address = nil
      }
      $0.lastError = wasInOrder ? nil : outcome.end.reason
    }
    logger.info(
      "disconnected",
      metadata: Self.metadata(session).merging(
        [
          "reason": "\(outcome.end)", "received": "\(outcome.progress.receivedCount)",
          "refused": "\(outcome.progress.refusedCount)", "missing": "\(outcome.missingCount)",
        ], uniquingKeysWith: { $1 }))
    return wasInOrder || outcome.isInStep || outcome.progress.receivedCount > 0
  }

  // MARK: Dialling

  private func follow(_ transport: any NetworkTransport) async {
    for await sighting in transport.sightings() {
      planners[transport.kind]?.sighted(sighting, now: clock.now, jitter: .random(in: 0..<1))
      dialWakers[transport.kind]?.yield()
    }
  }

  private func dial(over transport: any NetworkTransport) async {
    let (wakes, waker) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    dialWakers[transport.kind] = waker
    waker.yield()
    await withDiscardingTaskGroup { group in
      for await _ in wakes {
        guard let next = planners[transport.kind]?.next(now: clock.now) else { continue }
        if let address = next.dial {
          group.addTask { await self.dial(address, over: transport, waker) }
        } else if let wakeAt = next.wakeAt {
          let clock = clock
          group.addTask {
            try? await clock.sleep(until: wakeAt)
            waker.yield()
          }
        }
      }
    }
  }

  private func dial(
    _ address: PeerAddress, over transport: any NetworkTransport, _ waker: AsyncStream<Void>.Continuation
  ) async {
    var isOfUse = false
    do {
      let connection = try await transport.connect(to: address)
      let session = try await establisher.initiate(on: connection, with: try home.syncKey)
      planners[transport.kind]?.connected(address)
      waker.yield()
      isOfUse = await run(session, isInitiator: true)
    } catch {
      logger.info("cannot dial", metadata: ["address": "\(address)", "reason": "\(error)"])
    }
    planners[transport.kind]?.ended(address, failed: !isOfUse, now: clock.now, jitter: .random(in: 0..<1))
    waker.yield()
  }

  // MARK: Status

  private func note(_ event: SyncEvent, of peer: DeviceKey, after before: AgentStatus.Peer?) {
    switch event {
    case .connected: break
    case .chose(let choice):
      logger.info(
        "reconciling", metadata: ["peer": "\(Self.short(peer))", "rung": "\(choice.rung.rawValue)", "why": "\(choice.reason)"]
      )
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
      note(peer) {
        $0.inStep = true
        $0.wanted = 0
        $0.offered = 0
      }
    case .settledApart:
      logger.notice(
        "settled, and different: one side refuses what the other holds", metadata: ["peer": "\(Self.short(peer))"])
    }
  }

  private func note(_ peer: DeviceKey, _ change: (inout AgentStatus.Peer) -> Void) {
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

  private func keepStatus() async {
    repeat {
      guard isStatusStale else { continue }
      isStatusStale = false
      let status = AgentStatus(transports: transportStates, peers: peers.sorted { $0.key < $1.key }.map(\.value))
      do {
        try status.write(to: home.home.statusPath)
      } catch {
        logger.warning("cannot write the status", metadata: ["reason": "\(error)"])
      }
    } while (try? await clock.sleep(for: AgentLimits.statusInterval)) != nil
  }

  private static func short(_ device: DeviceKey) -> String { String(device.description.prefix(8)) }

  private static func metadata(_ session: Session) -> Logger.Metadata {
    [
      "peer": "\(short(session.peer))", "transport": "\(session.transportKind.rawValue)",
      "address": "\(session.peerDescription)",
    ]
  }
}

extension Home {
  /// Where a running agent writes ``AgentStatus``.
  public var statusPath: String { directory + "/agent-status.json" }
}
