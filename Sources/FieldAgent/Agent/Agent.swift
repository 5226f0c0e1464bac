import DBus
public import FieldCore
import FieldStore
import FieldWire
import Foundation
public import Logging
import Sodium

/// The service: keeps a home in step with every peer that its transports reach, and lets in who holds one of its
/// invitations. One code path for every transport.
///
/// What to dial, what to keep and what to close is decided by its ``FieldCore/TransportManager``; here is the IO of
/// that, and the sessions.
public actor Agent {
  let home: OpenHome
  let transports: [any NetworkTransport]
  let clock = ContinuousClock()
  let time: FrameLinkClock
  let logger: Logger

  var manager: TransportManager?
  private let passBudget: PassBudget
  /// Sessions with one peer bring what it has one after the other.
  private let turns = PeerTurns()
  private var random = SystemRandomNumberGenerator()
  var links: [LinkID: Running] = [:]
  private var lastLink: UInt64 = 0
  private var handshakeCount = 0
  /// Sessions with devices that are to be let in.
  private var joiningCount = 0
  private let fixed: [PeerAddress]
  private let jobs: AsyncStream<@Sendable () async -> Void>
  private let jobQueue: AsyncStream<@Sendable () async -> Void>.Continuation
  private var timerAt: Duration?
  private var announced: PresenceBeacon?
  private var announcedAt: Duration = .zero
  private var isAnnouncementDue = false
  private var ownAddresses: [TransportKind: [PeerAddress]] = [:]

  var peers: [DeviceKey: AgentStatus.Peer] = [:]
  /// As the last session over such a transport has measured it.
  private var linkMeasures: [DeviceKey: [TransportKind: LinkMeasure]] = [:]
  var pending = PendingDevices()
  var transportStates: [AgentStatus.Transport] = []
  var isStatusStale = true
  var log: EventLog

  struct Running {
    var session: Session
    var sync: PeerSync
    /// Runs the sync; cancelled when the session does not end in time.
    var task: Task<SyncOutcome, Never>
  }

  /// - Parameter fixed: Peers to stay connected with, whether they are seen or not.
  public init(home: OpenHome, transports: [any NetworkTransport], fixed: [PeerAddress] = [], logger: Logger) {
    self.home = home
    self.transports = transports
    self.fixed = fixed
    self.logger = logger
    time = FrameLinkClock(clock)
    passBudget = PassBudget(now: time.now)
    log = EventLog(path: home.home.eventsPath)
    // Each job is the answer to one event.
    (jobs, jobQueue) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
  }

  /// Runs until the task is cancelled. A transport that cannot go on is reported in the status; the others go on.
  ///
  /// - Throws: ``AgentError`` before the device is a member, and when the store cannot be read.
  public func run() async throws {
    let presence = try await home.syncKeys().map(\.secret)
    try await home.settleQuota()
    transportStates = transports.map { AgentStatus.Transport(kind: $0.kind.rawValue) }
    log.append(AgentEvent(.agentStarted))
    manager = TransportManager(
      own: home.identity.device,
      transports: Dictionary(transports.map { ($0.kind, $0.cost) }, uniquingKeysWith: { first, _ in first }),
      fixed: fixed, reader: PresenceReader(keys: presence, epoch: Self.epoch), now: time.now())
    try await storeChanged(home.store.head())
    await announce()
    await withDiscardingTaskGroup { group in
      group.addTask { await self.doJobs() }
      for (index, transport) in transports.enumerated() {
        group.addTask { await self.run(transport, index) }
        group.addTask { await self.accept(from: transport) }
        group.addTask { for await sighting in transport.sightings() { await self.handle(.sighted(sighting)) } }
        group.addTask { for await condition in transport.conditions() { await self.note(condition, of: index) } }
        group.addTask { for await list in transport.ownAddresses() { await self.reachable(at: list, transport.kind) } }
      }
      group.addTask { await self.followStore() }
      group.addTask { await self.watchClock() }
      group.addTask { await self.probe() }
      group.addTask { await self.keepStatus() }
      let power = PowerSource(bus: .system, time: time)
      group.addTask { await power.run { await self.handle(.power(isOnBattery: $0)) } }
    }
    jobQueue.finish()
    for running in links.values { await running.session.close(.shuttingDown) }
  }

  private func run(_ transport: any NetworkTransport, _ index: Int) async {
    do {
      try await transport.run()
    } catch {
      logger.error(
        "transport stopped", metadata: ["transport": "\(transport.kind.rawValue)", "reason": "\(error.reason)"])
      note(
        TransportCondition(
          code: "stopped", reason: error.reason, remedy: "start the agent again when the cause is gone",
          isUsable: false), of: index)
    }
  }

  // MARK: The manager

  private static var epoch: PresenceEpoch {
    PresenceEpoch(secondsSince1970: Int64(clamping: Int(Date().timeIntervalSince1970)))
  }

  /// Tells the manager, and does what it says.
  func handle(_ event: TransportManager.Event) {
    guard let actions = manager?.handle(event, now: time.now(), using: &random) else { return }
    for action in actions {
      switch action {
      case .dial(let address): jobQueue.yield { await self.dial(address) }
      case .close(let id, let code): jobQueue.yield { await self.close(id, code) }
      case .discover(let kind, let effort):
        let transport = transports.first { $0.kind == kind }
        jobQueue.yield { await transport?.discover(effort) }
      case .report(let event): report(event)
      }
    }
    switch event {
    case .timer: isStatusStale = isStatusStale || !actions.isEmpty
    case .linkReport(_, let report): isStatusStale = isStatusStale || report.work == .busy || !actions.isEmpty
    default: isStatusStale = true
    }
    setTimer()
  }

  private func doJobs() async {
    await withDiscardingTaskGroup { group in
      for await job in jobs { group.addTask { await job() } }
      group.cancelAll()
    }
  }

  private func setTimer() {
    guard let wakeAt = manager?.wakeAt, timerAt.map({ wakeAt < $0 }) ?? true else { return }
    timerAt = wakeAt
    jobQueue.yield { await self.wait(until: wakeAt) }
  }

  private func wait(until wakeAt: Duration) async {
    guard (try? await time.sleepUntil(wakeAt)) != nil, timerAt == wakeAt else { return }
    timerAt = nil
    handle(.timer)
  }

  private func followStore() async {
    for await head in home.store.changes() {
      do {
        // An admin's agent replaces keys that a revoked device holds, whoever revoked it.
        if try await home.startEpochIfNeeded() { logger.notice("started a new key epoch") }
        handle(.keys(try await home.syncKeys().map(\.secret)))
        try await storeChanged(head)
        announceSoon()
        try await clock.sleep(for: AgentLimits.changeInterval)
      } catch is CancellationError {
        return
      } catch {
        logger.error("cannot read the store", metadata: ["reason": "\(error)"])
      }
    }
  }

  private func storeChanged(_ head: StoreHead) async throws {
    let directory = try await home.store.directory()
    let roles = directory.devices.compactMap { device in directory.role(of: device).map { (device, $0) } }
    handle(.members(Dictionary(roles, uniquingKeysWith: { $1 })))
    handle(.holds(head))
  }

  private func watchClock() async {
    while (try? await clock.sleep(for: AgentLimits.clockInterval)) != nil {
      handle(.epoch(Self.epoch))
      await announce()
    }
  }

  /// A store that takes in a lot changes all the time; those near need not hear of every step.
  private func announceSoon() {
    guard !isAnnouncementDue else { return }
    isAnnouncementDue = true
    let due = announcedAt + AgentLimits.announcementInterval
    jobQueue.yield { await self.announce(at: due) }
  }

  private func announce(at due: Duration) async {
    try? await time.sleepUntil(due)
    isAnnouncementDue = false
    await announce()
  }

  private func announce() async {
    guard let beacon = manager?.ownBeacon, beacon != announced else { return }
    announced = beacon
    announcedAt = time.now()
    for transport in transports {
      await transport.announce(beacon)
      // A transport may take its time: what is newer was announced meanwhile, over the others as well.
      guard beacon == announced else { return }
    }
  }

  private func note(_ condition: TransportCondition?, of index: Int) {
    let kind = transports[index].kind
    guard transportStates[index].code != condition?.code || transportStates[index].problem != condition?.reason else {
      return
    }
    transportStates[index].problem = condition?.reason
    transportStates[index].code = condition?.code
    transportStates[index].remedy = condition?.remedy
    handle(.condition(kind, condition))
  }

  private func reachable(at addresses: [PeerAddress], _ kind: TransportKind) async {
    guard ownAddresses[kind] != addresses else { return }
    if ownAddresses[kind] != nil { handle(.networkChanged(kind, isThere: !addresses.isEmpty)) }
    ownAddresses[kind] = addresses
    for running in links.values { await running.sync.tell(toldAddresses) }
  }

  private var toldAddresses: [PeerAddress] {
    ownAddresses.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap(\.value)
  }

  // MARK: Connections

  private func accept(from transport: any NetworkTransport) async {
    await withDiscardingTaskGroup { group in
      for await connection in transport.incomingConnections() {
        guard handshakeCount < AgentLimits.handshakeCount, links.count + joiningCount < AgentLimits.sessionCount else {
          group.addTask { await connection.close() }
          continue
        }
        handshakeCount += 1
        group.addTask { await self.serve(connection) }
      }
    }
  }

  private func serve(_ connection: any TransportConnection) async {
    let session: Session
    let joining = JoiningHost(home: home, clock: clock, logger: logger)
    do {
      defer { handshakeCount -= 1 }
      // What peers may begin with: the workspace's keys, and those of the open invitations. Whoever holds an invitation
      // must not use up what members need.
      let invitations = joiningCount < AgentLimits.joiningCount ? try? joining.keys() : nil
      let keys = try await home.syncKeys() + (invitations ?? [])
      session = try await establisher.respond(on: connection, with: keys, claimCode: { joining.claimCode() })
    } catch {
      if (error as? SessionError)?.code == .wrongCode { joining.codeFailed() }
      logger.debug("no session", metadata: ["peer": "\(connection.peerDescription)", "reason": "\(error)"])
      return
    }
    switch session.secrets.purpose {
    case .sync: await run(session, dialled: nil)
    case .join, .code:
      joiningCount += 1
      defer { joiningCount -= 1 }
      await joining.letIn(session)
    }
  }

  private var establisher: SessionEstablisher { SessionEstablisher(identity: home.identity.keyPair, clock: clock) }

  /// Tries older keys where the current one is not answered, see ``OpenHome/syncKeys()``.
  private func establish(with address: PeerAddress, over transport: any NetworkTransport) async throws -> Session {
    var failure = SessionError(.stranger, "no key")
    for key in try await home.syncKeys() {
      let connection = try await transport.connect(to: address)
      do {
        return try await establisher.initiate(on: connection, with: key)
      } catch {
        failure = error
        guard error.code == .stranger else { break }
      }
    }
    throw failure
  }

  private func dial(_ address: PeerAddress) async {
    guard let transport = transports.first(where: { $0.kind == address.kind }) else { return }
    do {
      let session = try await establish(with: address, over: transport)
      await run(session, dialled: address)
    } catch {
      logger.info("cannot dial", metadata: ["address": "\(address)", "reason": "\(error)"])
      let code = (error as? SessionError)?.code
      handle(
        .dialFailed(
          address, reason: (error as? TransportError)?.reason ?? (error as? SessionError)?.reason ?? "\(error)",
          isStranger: code == .stranger || code == .ownReflection))
    }
  }

  private func close(_ id: LinkID, _ code: CloseCode) async {
    guard let running = links[id] else { return }
    await running.session.close(code)
    // On a link that is dead nothing of that arrives.
    guard (try? await clock.sleep(for: AgentLimits.closeDeadline)) != nil else { return }
    running.task.cancel()
  }

  /// Syncs over a session until it ends.
  private func run(_ session: Session, dialled address: PeerAddress?) async {
    let peer = session.peer
    lastLink += 1
    let id = LinkID(lastLink)
    if let earlier = linkMeasures[peer]?[session.transportKind] { await session.recall(earlier) }
    let sync = PeerSync(
      session: session, store: home.store, ownDevice: home.identity.device, ending: .never,
      passBudget: passBudget, turns: turns, clock: clock)
    let task = Task { await sync.run() }
    links[id] = Running(session: session, sync: sync, task: task)
    if !toldAddresses.isEmpty { await sync.tell(toldAddresses) }
    logger.info("connected", metadata: Self.metadata(session))
    note(peer) { $0.lastError = nil }
    handle(.linkOpened(id, peer, session.transportKind, isFallback: session.isFallback, dialled: address))
    let before = peers[peer]
    let listener = Task {
      for await event in sync.events { self.note(event, of: peer, after: before) }
    }
    let outcome = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    await listener.value
    // Whoever knows the workspace's key may make up devices.
    if linkMeasures[peer] != nil || linkMeasures.count < AgentLimits.statusPeerCount {
      linkMeasures[peer, default: [:]][session.transportKind] = await session.link
    }
    links[id] = nil
    let wasInOrder = outcome.end.code == .closed
    if outcome.end.code == .notAMember { notePending(session) }
    note(peer) { $0.lastError = wasInOrder ? nil : outcome.end.reason }
    handle(.linkEnded(id, reason: outcome.end.reason, wasInOrder: wasInOrder))
    logger.info(
      "disconnected",
      metadata: Self.metadata(session).merging(
        [
          "reason": "\(outcome.end)", "sent": "\(outcome.progress.sentCount)",
          "received": "\(outcome.progress.receivedCount)",
          "refused": "\(outcome.progress.refusedCount)", "missing": "\(outcome.missingCount)",
          "in": "\(outcome.traffic.receivedByteCount)", "out": "\(outcome.traffic.sentByteCount)",
          "entryBytes": "\(outcome.traffic.receivedEntryByteCount)",
        ], uniquingKeysWith: { $1 }))
  }

  /// Measures every session, and pings those that are silent.
  private func probe() async {
    while (try? await clock.sleep(for: AgentLimits.probeInterval)) != nil {
      for (id, running) in links {
        let work = await running.sync.work
        let (silence, roundTrip, traffic) = await running.session.probe(isBusy: work == .busy)
        handle(
          .linkReport(
            id,
            LinkReport(
              silence: silence, byteCount: traffic.sentByteCount + traffic.receivedByteCount,
              receivedCount: traffic.receivedMessageCount, roundTrip: roundTrip, work: work)))
      }
    }
  }

  static func short(_ device: DeviceKey) -> String { String(device.description.prefix(8)) }

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
