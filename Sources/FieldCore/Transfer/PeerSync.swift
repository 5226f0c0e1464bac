public import FieldWire
import SetReconciliation

/// One peer, one session, one store: proves and demands membership, reconciles, answers the peer's requests, and pulls
/// what comes later, until the session ends or, if asked, until both sides are in step.
public actor PeerSync {
  /// When this side ends the session by itself.
  public enum Ending: Sendable {
    /// Both sides hold the same, or cannot come closer. For the side that opened the connection.
    case whenSettled
    /// Never: what changes later is passed on while the session lasts.
    case never
  }

  public nonisolated let events: AsyncStream<SyncEvent>

  let session: Session
  let store: any LocalStore
  let remote: RemoteStore
  let server: StoreServer
  private let requests = AsyncSemaphore(permits: SessionLimits.peerStreamCount)
  /// What this side did not take of the peer's entries.
  let refusedHere = RefusalRecord()
  private let ownDevice: DeviceKey
  let ending: Ending
  let rungs: Set<Rung>
  let passBudget: PassBudget?
  /// Shared with the other sessions of the store.
  let turns: PeerTurns
  private let clock: any Clock<Duration>
  let eventContinuation: AsyncStream<SyncEvent>.Continuation

  var coordinator: SyncCoordinator?
  private var stateBeforeStart: StateNotice?
  /// Reconciliations that were begun in this session, and whether one is going on.
  var ladderCount: UInt32 = 0
  var isClimbing = false
  var hasGivenUpTurn = false
  /// The peer has said in a reconciliation where it stands.
  var hasMet = false
  /// Notices come on streams of their own, whose tasks may overtake each other.
  private var newestState = StreamID(0)
  var peerSource: EntrySource?
  var peerCapabilities: Capabilities = []
  /// The peer is authorized, and this side knows where it stands itself.
  private var isReady = false
  private var ownAddresses: [PeerAddress]?
  private var authorizationWaiters: [CheckedContinuation<Void, Never>] = []
  private var listedThrough: StoreCursor?
  private var plans: AsyncStream<PullPlan>.Continuation?
  /// Large entries whose payloads are still to come, and the way to the task that fetches them.
  var contents: ContentQueue
  var tally = PullTally()
  var contentFeed: AsyncStream<[EntryHead]>.Continuation?
  var contentWaiters: [CheckedContinuation<Void, Never>] = []
  private var retries: AsyncStream<UInt32>.Continuation?
  var outcome = SyncOutcome(end: SessionError(.closed, "not started"))
  private var failure: SessionError?
  var isOver = false
  /// This side has what it wanted, and is ending the session.
  private(set) var isLeaving = false
  /// What the peer knows of this side's root.
  var toldRoot: [UInt8]?
  private var isTelling = false
  private var tellers: [CheckedContinuation<Void, Never>] = []

  /// - Parameter turns: One for all sessions of the store that there may be at the same time.
  public init(
    session: Session, store: any LocalStore, ownDevice: DeviceKey, ending: Ending,
    rungs: Set<Rung> = Set(Rung.allCases), passBudget: PassBudget? = nil, turns: PeerTurns = PeerTurns(),
    clock: any Clock<Duration>
  ) {
    self.session = session
    self.store = store
    self.ownDevice = ownDevice
    self.ending = ending
    self.rungs = rungs
    self.passBudget = passBudget
    self.turns = turns
    self.clock = clock
    remote = RemoteStore(session: session)
    contents = ContentQueue(workspace: store.workspace)
    server = StoreServer(store: store, secrets: session.secrets, budget: passBudget, clock: clock)
    (events, eventContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(64))
  }

  /// Whether there is anything to do in this session.
  public var work: LinkReport.Work {
    coordinator?.isInStep == true ? .inStep : outcome.isSettledApart ? .settledApart : .busy
  }

  /// Tells the peer where else this device can be reached, once it is known to be a member. A later word replaces an
  /// earlier one.
  public func tell(_ addresses: [PeerAddress]) async {
    ownAddresses = addresses
    guard isReady else { return }
    try? await session.notify(Message(AddressesNotice(addresses: addresses)))
  }

  /// What both sides call the session among those that they have with each other.
  var turnName: [UInt8] { session.secrets.handshakeHash }

  /// Runs to the session's end. The connection is closed when it returns.
  public func run() async -> SyncOutcome {
    let (planStream, plans) = AsyncStream<PullPlan>.makeStream()
    self.plans = plans
    let (headStream, contentFeed) = AsyncStream<[EntryHead]>.makeStream()
    self.contentFeed = contentFeed
    let (retryStream, retries) = AsyncStream<UInt32>.makeStream()
    self.retries = retries
    await turns.join(session.peer, turnName)
    let end = await withTaskGroup(of: Void.self) { group in
      let notices = Task { await self.answerStreams() }
      group.addTask { await self.start() }
      group.addTask { for await plan in planStream { await self.pull(plan) } }
      group.addTask { for await heads in headStream { await self.fetchContents(heads) } }
      group.addTask { for await attempt in retryStream { await self.retryLadder(attempt: attempt) } }
      let end = await self.session.run()
      // What the peer said before it left still counts.
      isOver = true
      releaseWaiters()
      plans.finish()
      contentFeed.finish()
      releaseContentWaiters()
      retries.finish()
      await turns.stopWaiting(session.peer, turnName)
      await notices.value
      group.cancelAll()
      return end
    }
    await turns.leave(session.peer, turnName)
    if failure == nil, let head = try? await store.head() {
      try? await perform(coordinator?.sessionEnded(own: head, root: session.secrets.root(of: head)) ?? [])
    }
    outcome.end = failure ?? end
    outcome.traffic = await session.traffic
    outcome.progress.sentCount = server.served.entryCount
    outcome.progress.sentByteCount = server.served.byteCount
    eventContinuation.finish()
    return outcome
  }

  // MARK: Membership

  /// Everything up to the first reconciliation; then follows the store's changes.
  private func start() async {
    do {
      if try await role(of: session.peer) == nil { try await demandCredential() }
      let changes = store.changes()
      let head = try await store.head()
      listedThrough = head.cursor
      let remembered = try await store.peerRecord(of: session.peer)?.pulledThrough
      let isOpener = session.secrets.role == .initiator
      coordinator = SyncCoordinator(
        own: head, ownRoot: session.secrets.root(of: head), remembered: remembered, opensLadder: isOpener,
        enabled: rungs)
      eventContinuation.yield(.connected(peer: session.peer, transport: session.transportKind))
      if let stateBeforeStart { try await perform(coordinator?.peerState(stateBeforeStart) ?? []) }
      isReady = true
      if let ownAddresses { await tell(ownAddresses) }
      releaseWaiters()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.waitForPeer() }
        if isOpener { group.addTask { try await self.openLadder(attempt: 0) } }
        for await head in changes { try await ownStoreChanged(head) }
        try await group.waitForAll()
      }
    } catch {
      await failed(error)
    }
  }

  private func waitForPeer() async throws {
    var isBusy = true
    while !hasMet, isBusy {
      try await clock.sleep(for: SessionLimits.helloDeadline)
      // A peer that takes turns among several sessions begins on each when it comes to it. Open ones that say nothing
      // do not keep each other open.
      isBusy = await turns.isBusy(session.peer, beside: turnName)
    }
    if !hasMet { await fail(SessionError(.timeout, "the peer does not say where it stands")) }
  }

  private func role(of device: DeviceKey) async throws -> DeviceRole? { try await store.directory().role(of: device) }

  /// A peer that the directory here does not know may hold a grant that has not come this far. It is asked for it, and
  /// what it answers goes through the same checks as any entry.
  private func demandCredential() async throws {
    let credential = Task { try await self.fetchCredential() }
    let deadline = Task {
      try await clock.sleep(for: SessionLimits.credentialDeadline)
      credential.cancel()
    }
    defer { deadline.cancel() }
    let entries = try? await credential.value
    if let entries, !entries.isEmpty { _ = try await store.put(entries) }
    guard try await role(of: session.peer) != nil else {
      throw SessionError(.notAMember, "device \(session.peer.description.prefix(8)) is not a member of this workspace")
    }
  }

  private func fetchCredential() async throws -> [Entry] {
    let stream = try await session.open(Message(.credentialRequest), isLast: true)
    var entries: [Entry] = []
    var decoder = EntryDecoder(workspace: store.workspace)
    while let message = try await stream.receive() {
      let entry = try decoder.decodeWhole(message)
      guard entries.count < Self.credentialEntryLimit, entry.header.kind == .directory,
        entry.payload.count <= Self.credentialPayloadByteLimit
      else { throw SessionError(.protocolViolation, "a proof of membership that is none") }
      entries.append(entry)
    }
    await stream.forget()
    return entries
  }

  private static let credentialEntryLimit = 32
  private static let credentialPayloadByteLimit = 8 << 10

  /// Ends the session for what went wrong on this side or the other.
  func failed(_ error: any Error) async {
    switch error {
    case let error as SessionError where error.code == .closed || error.code == .connectionLost: break
    case let error as SessionError: await fail(error)
    case let error as WireError: await fail(SessionError(.protocolViolation, error.reason))
    case let error as StoreError where error.code == .closed: break  // the session is gone, and its own end says why
    case let error as StoreError where error.code == .protocolViolation || error.code == .refused:
      await fail(SessionError(.protocolViolation, error.reason))
    case is CancellationError: break
    default: await fail(SessionError(.storeFailed, "\(error)"))
    }
  }

  /// Ends the session for a reason of this side. What is queued, the reason above all, still goes out.
  func fail(_ error: SessionError) async {
    guard !isOver, failure == nil else { return }
    failure = error
    let code: CloseCode =
      switch error.code {
      case .notAMember: .refused
      case .incompatible: .incompatible
      case .protocolViolation: .protocolViolation
      default: .shuttingDown
      }
    await session.close(code)
  }

  // MARK: The peer's streams

  private func answerStreams() async {
    await withDiscardingTaskGroup { group in
      for await stream in session.incoming {
        group.addTask { await self.answer(stream) }
      }
    }
  }

  private func answer(_ stream: SessionStream) async {
    // A message stays where it is counted until its turn has come.
    guard let type = try? await stream.nextType() else { return await stream.reset(.cancelled) }
    switch type {
    case .credentialRequest: await inTurn(stream) { _ in await self.answerCredentialRequest(on: stream) }
    case .addresses:
      await waitForAuthorization()
      if isReady, let notice = try? await stream.receive()?.decode(AddressesNotice.self) {
        eventContinuation.yield(.addresses(notice.addresses))
      }
      await stream.forget()
    case .refusals:
      await waitForAuthorization()
      if isReady, let notice = try? await stream.receive()?.decode(RefusalsNotice.self) {
        server.refusedByPeer.replace(by: notice)
        outcome.refusedByPeer = notice.items
        eventContinuation.yield(.refusedByPeer(notice.items))
      }
      await stream.forget()
    case .state:
      do {
        if stream.id > newestState, let message = try await stream.receive() {
          newestState = max(newestState, stream.id)
          if newestState == stream.id { try await received(try message.decode(StateNotice.self)) }
        }
        await stream.forget()
      } catch {
        await failed(error)
      }
    case .hello, .compare:
      await waitForAuthorization()
      guard isReady else { return await stream.reset(.refused) }
      await answerLadder(on: stream)
    default:
      // Nothing of the store is said to a peer before it is known to be a member.
      if !Defence.authorization.isOff {
        await waitForAuthorization()
        guard isReady else { return await stream.reset(.refused) }
      }
      await inTurn(stream) { await self.server.answer($0, on: stream, from: await self.peerSource) }
    }
  }

  /// Answers a request once it is one of as many as a peer may have open, unless nobody wants an answer any more.
  private func inTurn(_ stream: SessionStream, _ answer: @Sendable (Message) async -> Void) async {
    await requests.withPermit { @Sendable in
      guard await stream.isOpen, let request = try? await stream.receive() else { return await stream.forget() }
      await answer(request)
    }
  }

  /// Who opened the connection shows its proof first: a stranger who connects learns nothing.
  private func answerCredentialRequest(on stream: SessionStream) async {
    if session.secrets.role == .responder {
      await waitForAuthorization()
      guard isReady else { return await stream.reset(.refused) }
    }
    do {
      let ids = try await store.directory().credential(of: ownDevice)
      var encoder = EntryEncoder(workspace: store.workspace)
      for entry in try await store.entries(ids) { try await stream.send(encoder.message(entry)) }
      await stream.end()
      await stream.forget()
    } catch {
      await stream.reset(.failed)
    }
  }

  private func received(_ state: StateNotice) async throws {
    peerSource = EntrySource(device: session.peer, epoch: state.epoch)
    outcome.progress.offeredCount =
      (listedThrough?.arrival ?? 0) > state.pulledThrough ? (listedThrough?.arrival ?? 0) - state.pulledThrough : 0
    guard coordinator != nil else {
      stateBeforeStart = state
      return
    }
    try await perform(coordinator?.peerState(state) ?? [])
  }

  private func waitForAuthorization() async {
    guard !isReady, failure == nil, !isOver else { return }
    await withCheckedContinuation { authorizationWaiters.append($0) }
  }

  private func releaseWaiters() {
    for waiter in authorizationWaiters { waiter.resume() }
    authorizationWaiters = []
  }

  // MARK: The coordinator's wishes

  private func ownStoreChanged(_ head: StoreHead) async throws {
    guard try await role(of: session.peer) != nil else {
      throw SessionError(.notAMember, "the peer was revoked")
    }
    // The first reconciliation, which may wait for its turn, begins with what is here then.
    guard ladderCount > 0 else { return }
    // What came from this peer is no news to it. The scan goes over each entry once in the session's life.
    var page: ScanPage
    repeat {
      page = try await store.scan(since: listedThrough, limit: 1, filter: EntryFilter(notFrom: peerSource))
      listedThrough = page.listings.isEmpty ? page.next : head.cursor
    } while page.listings.isEmpty && page.hasMore
    try await perform(
      coordinator?.ownChanged(head, root: session.secrets.root(of: head), byPull: page.listings.isEmpty) ?? [])
  }

  func perform(_ actions: [SyncCoordinator.Action]) async throws {
    for action in actions {
      switch action {
      case .pull where isLeaving, .reconcile where isLeaving: break
      case .pull(let plan):
        eventContinuation.yield(.pulling(plan))
        plans?.yield(plan)
      case .reconcile(let attempt):
        // Not awaited: whoever reports what led here has to come to its end.
        retries?.yield(attempt)
      case .sendState: try await tellState()
      case .remember(let cursor):
        try await store.setPeerRecord(PeerRecord(pulledThrough: cursor), of: session.peer)
      case .rememberBase(let base): try await store.addBase(base, with: session.peer)
      case .inStep:
        outcome.isInStep = true
        outcome.isSettledApart = false
        outcome.progress.wantedCount = 0
        outcome.progress.offeredCount = 0
        eventContinuation.yield(.inStep)
        try await leaveWhenSettled()
      case .settledApart:
        outcome.isInStep = false
        outcome.isSettledApart = true
        eventContinuation.yield(.settledApart)
        try await leaveWhenSettled()
      }
    }
  }

  /// Not before the peer was told, which another task may be about to do.
  private func leaveWhenSettled() async throws {
    guard ending == .whenSettled else { return }
    isLeaving = true
    if toldRoot != coordinator?.ownRoot { try await tellState() }
    await session.close(.done)
  }

  /// Tells the peer where this side stands now. One after the other, or what is old could come last, and hold for ever.
  private func tellState() async throws {
    while isTelling { await withCheckedContinuation { tellers.append($0) } }
    guard !isOver else { return }
    isTelling = true
    defer {
      isTelling = false
      for teller in tellers { teller.resume() }
      tellers = []
    }
    let head = try await store.head()
    let notice = StateNotice(
      head: head, root: session.secrets.root(of: head), pulledThrough: coordinator?.pulledThroughArrival ?? 0,
      isExact: coordinator?.isExact ?? false,
      wantedCount: min(outcome.progress.wantedCount, WireReader.entryCountLimit))
    try await notifyUnlessGone(Message(notice))
    toldRoot = notice.root
  }

  /// A peer may be content and leave; what this side has found out holds nevertheless.
  private func notifyUnlessGone(_ message: Message) async throws(SessionError) {
    do {
      try await session.notify(message)
    } catch {
      guard error.code == .closed else { throw error }
    }
  }

  private func pull(_ plan: PullPlan) async {
    guard await turns.take(.entries, of: session.peer, for: turnName) else { return }
    await pullNow(plan)
    await turns.release(.entries, of: session.peer, by: turnName)
  }

  private func pullNow(_ plan: PullPlan) async {
    do {
      let usesSummary = plan.rung == .bloomSummary && peerCapabilities.contains(.bloomSummary)
      let summary = usesSummary ? try await ownSummary(attempt: plan.attempt) : nil
      outcome.isInStep = false
      let (wantedCount, epoch) = (plan.expectedCount, peerSource?.epoch)
      let report = try await EntryPull(from: remote, into: store, origin: peerSource).run(
        since: plan.since, summary: summary, expectedCount: wantedCount,
        deferring: { await self.deferContents($0) },
        progress: { report, isPageDone throws(StoreError) in
          await self.note(report, wanted: wantedCount, of: .pull)
          if isPageDone, !usesSummary, let settled = await self.contents.settled(report.settledThrough),
            settled.epoch == epoch
          {
            try await self.store.setPeerRecord(PeerRecord(pulledThrough: settled), of: self.session.peer)
          }
        })
      note(report, of: .pull)
      tally.end(.pull)
      await noteRefused(report)
      for (code, count) in report.refusals { outcome.refusals[code, default: 0] += count }
      outcome.missingCount += report.missingCount
      outcome.progress.wantedCount = UInt64(contents.count)
      let settled = contents.pullEnded(report, usesSummary: usesSummary)
      coordinator?.isFetchingContents = contents.count > 0
      eventContinuation.yield(.pulled(report))
      let head = try await store.head()
      try await perform(
        coordinator?.pullEnded(
          covered: report.coveredThrough, settled: settled, own: head,
          root: session.secrets.root(of: head)) ?? [])
    } catch {
      await failed(error)
    }
  }

  /// Tells the peer what of its entries is not taken here, when that is news to it.
  func noteRefused(_ report: PullReport) async {
    if refusedHere.add(report) { try? await notifyUnlessGone(Message(RefusalsNotice(items: refusedHere.items))) }
  }

  private func ownSummary(attempt: UInt32) async throws -> BloomSummary {
    try await store.bloomSummary(
      of: .workspace, key: remote.summaryKey(attempt: attempt), bitsPerEntry: Self.bitsPerEntry)
  }

  /// 1 % false positives.
  private static let bitsPerEntry = 10

  func note(_ report: PullReport, of job: PullTally.Job) {
    tally.note(report, of: job)
    outcome.progress.receivedCount = tally.storedCount
    outcome.progress.receivedByteCount = tally.storedByteCount
    outcome.progress.refusedCount = tally.refusedCount
    outcome.progress.duplicateCount = tally.duplicateCount
    outcome.progress.sentCount = server.served.entryCount
    outcome.progress.sentByteCount = server.served.byteCount
    eventContinuation.yield(.progress(outcome.progress))
  }
}
