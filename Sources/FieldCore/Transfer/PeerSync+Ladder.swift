import FieldWire

// MARK: The ladder, over this session

extension PeerSync {
  /// Begins a reconciliation once it is this session's turn, and exchanges what it finds.
  func openLadder(attempt: UInt32) async throws {
    while await turns.take(.entries, of: session.peer, for: turnName) {
      do {
        hasGivenUpTurn = false
        isClimbing = true
        ladderCount = attempt + 1
        try await climb(try await reconciler(.opener, attempt: attempt), first: nil, on: nil)
        return await turns.release(.entries, of: session.peer, by: turnName)
      } catch {
        await turns.release(.entries, of: session.peer, by: turnName)
        // The peer has begun on another session at the same time, and that one goes first.
        guard hasGivenUpTurn, (error as? SessionError)?.code == .streamReset else { throw error }
        isClimbing = false
      }
    }
  }

  func retryLadder(attempt: UInt32) async {
    do {
      do {
        try await openLadder(attempt: attempt)
      } catch let error as SessionError where error.code == .streamReset {
        // The peer has no second attempt to give: what is left is listed.
        isClimbing = false
        let head = try await store.head()
        let root = session.secrets.root(of: head)
        try await perform(coordinator?.ladderAbandoned(own: head, root: root) ?? [])
      }
    } catch {
      await failed(error)
    }
  }

  /// Answers one that the peer begins: the session's first, or the next attempt.
  func answerLadder(on stream: SessionStream) async {
    guard await turns.takeToAnswer(session.peer, for: turnName) else { return await stream.reset(.cancelled) }
    // A peer may have given it up meanwhile, to begin anew later.
    if await stream.isReset {
      await stream.forget()
    } else if let first = try? await stream.receive() {
      await answerLadderNow(first, on: stream)
    }
    await turns.release(.entries, of: session.peer, by: turnName)
  }

  private func answerLadderNow(_ first: Message, on stream: SessionStream) async {
    do {
      guard session.secrets.role == .responder, !isClimbing, ladderCount < LadderLimits.attemptCount,
        (first.type == .hello) == (ladderCount == 0)
      else { throw SessionError(.protocolViolation, "a reconciliation that is not the peer's to begin") }
      isClimbing = true
      ladderCount += 1
      try await climb(try await reconciler(.answerer, attempt: ladderCount - 1), first: first, on: stream)
    } catch let error as SessionError where error.code == .streamReset && isClimbing {
      // The peer gave its turn up, and begins anew when it has it again.
      isClimbing = false
      ladderCount -= 1
      coordinator?.ladderGivenUp()
      await stream.forget()
    } catch {
      await stream.reset(.failed)
      await failed(error)
    }
  }

  private func reconciler(_ role: Reconciler.Role, attempt: UInt32) async throws -> Reconciler {
    let head = try await store.head()
    var bases: [KnownBase] = []
    if attempt == 0, rungs.contains(.baseScope) {
      for base in try await store.bases(with: session.peer)
      where base.own.epoch == head.epoch && base.own.arrival <= head.arrival {
        let scope = ArrivalScope(after: base.own.arrival, through: head.arrival)
        bases.append(KnownBase(record: base, countSince: try await store.count(in: scope)))
      }
    }
    // What came since then is most likely news to the peer, too.
    let facts = ReconcileFacts(
      head: head, bases: bases, expectedDifference: bases.first.map { Int(clamping: $0.countSince) })
    return Reconciler(
      role: role, attempt: attempt, own: facts, secrets: session.secrets.reconcile,
      planner: LadderPlanner(enabled: rungs, link: await session.link))
  }

  private func climb(_ start: Reconciler, first: Message?, on opened: SessionStream?) async throws {
    var reconciler = start
    var stream = opened
    var hasGreeted = false
    outcome.isInStep = false
    var report = ReconcileReport()
    if let first { report.count(first, isNewTurn: true) }
    var isOwnTurn = false
    var actions = first == nil ? reconciler.start() : try take(first, &reconciler, &hasGreeted)
    while true {
      var next: [Reconciler.Action] = []
      for (index, action) in actions.enumerated() {
        switch action {
        case .pass(let scope):
          let (count, total) = (reconciler.passEntryCount, reconciler.ownHead.entryCount)
          guard passBudget?.take(count, of: total, for: session.peer) != false else {
            next += reconciler.passRefused()
            continue
          }
          reconciler = try await store.pass(over: scope, into: reconciler) { $0.absorb($1) }
          next += reconciler.passEnded()
        case .send(let message):
          report.count(message, isNewTurn: report.turnCount == 0 || !isOwnTurn)
          isOwnTurn = true
          if let stream {
            // Equal roots leave nothing to say: the end travels with the answer.
            var isLast = false
            if actions.indices.contains(index + 1), case .finished(.inStep) = actions[index + 1] { isLast = true }
            try await stream.send(message, isLast: isLast)
          } else {
            let opened = try await session.open(message, isLast: false)
            stream = opened
            await turns.began(session.peer, turnName) { await self.giveUpTurn(on: opened) }
          }
        case .chose(let choice): eventContinuation.yield(.chose(choice))
        case .finished(let result):
          guard let stream, let peer = reconciler.peerCursor else { return }
          if case .known(_, let wantedCount) = result { report.wantedCount = wantedCount }
          if case .inStep = result { report.wantedCount = 0 }
          eventContinuation.yield(.reconciled(report))
          return try await conclude(result, with: peer, on: stream, own: reconciler.ownHead)
        }
      }
      actions = next
      guard actions.isEmpty else { continue }
      guard let message = try await stream?.receive() else {
        throw SessionError(.protocolViolation, "the peer left the reconciliation without a word")
      }
      if report.turnCount == 1 { await turns.wasAnswered(session.peer, turnName) }
      report.count(message, isNewTurn: isOwnTurn)
      isOwnTurn = false
      actions = try take(message, &reconciler, &hasGreeted)
    }
  }

  private func giveUpTurn(on stream: SessionStream) async {
    hasGivenUpTurn = true
    await stream.reset(.cancelled)
  }

  /// Hands a message to the machine; with the first one the peer says where it stands.
  private func take(
    _ message: Message?, _ reconciler: inout Reconciler, _ hasGreeted: inout Bool
  ) throws -> [Reconciler.Action] {
    guard let message else { return [] }
    if !hasGreeted, message.type == .hello {
      let hello = try message.decode(Hello.self)
      guard hello.version == Hello.protocolVersion else {
        throw SessionError(.incompatible, "the peer speaks version \(hello.version) of the protocol")
      }
      peerCapabilities = hello.capabilities
    }
    let actions = try reconciler.received(message)
    if !hasGreeted, let peer = reconciler.peerNotice {
      hasGreeted = true
      hasMet = true
      peerSource = EntrySource(device: session.peer, epoch: peer.epoch)
      coordinator?.ladderBegan(peer, attempt: ladderCount - 1)
    }
    return actions
  }

  /// Both sides know what to send: they do, on the same stream.
  private func conclude(
    _ result: ReconcileResult, with peer: StoreCursor, on stream: SessionStream, own: StoreHead
  ) async throws {
    let end: SyncCoordinator.LadderEnd
    switch result {
    case .inStep:
      isClimbing = false
      let root = session.secrets.root(of: own)
      toldRoot = root
      try await perform(coordinator?.ladderEnded(.inStep, peer: peer, own: own, root: root) ?? [])
      // The end of the session is the end of the stream, and one message less.
      guard !isLeaving else { return }
      await stream.end()
      await stream.forget()
      return
    case .undecided(let reason):
      eventContinuation.yield(.chose(RungChoice(.cursorScan, reason)))
      await stream.end()
      await stream.forget()
      end = .undecided
    case .known(let push, let wantedCount):
      let report = try await exchange(push, wantedCount: wantedCount, on: stream)
      end = .exchanged(isSettled: contents.exchangeEnded(report, through: peer))
      coordinator?.isFetchingContents = contents.count > 0
    }
    isClimbing = false
    let head = try await store.head()
    try await perform(
      coordinator?.ladderEnded(end, peer: peer, own: head, root: session.secrets.root(of: head)) ?? [])
  }

  private func exchange(
    _ push: ReconcileResult.Push, wantedCount: UInt64, on stream: SessionStream
  ) async throws -> PullReport {
    let exchange = EntryExchange(
      store: store, stream: stream, served: server.served, refusedByPeer: server.refusedByPeer,
      didStore: { await self.noteRefused($0) })
    outcome.progress.wantedCount = wantedCount
    switch push {
    case .ids(let ids): outcome.progress.offeredCount = UInt64(ids.count)
    case .all(let scope): outcome.progress.offeredCount = try await store.count(in: scope)
    }
    eventContinuation.yield(.progress(outcome.progress))
    async let sent: Void = exchange.send(push)
    let report = try await exchange.receive(
      count: wantedCount, from: peerSource, fetchNamed: { try await self.fetchNamed($0) },
      progress: { await self.note($0, wanted: wantedCount, of: .pull) })
    try await sent
    await stream.forget()
    note(report, of: .pull)
    tally.end(.pull)
    for (code, count) in report.refusals { outcome.refusals[code, default: 0] += count }
    outcome.missingCount += report.missingCount
    outcome.progress.wantedCount = UInt64(contents.count)
    eventContinuation.yield(.pulled(report))
    return report
  }

  /// - Returns: How many did not come.
  private func fetchNamed(_ ids: [EntryID]) async throws -> Int {
    let (heads, missingCount) = try await EntryPull(from: remote, into: store, origin: peerSource).heads(of: ids)
    await deferContents(heads)
    return missingCount
  }

  func note(_ report: PullReport, wanted: UInt64, of job: PullTally.Job) {
    let came = UInt64(clamping: report.storedCount + report.duplicateCount + report.refusedCount)
    outcome.progress.wantedCount = (wanted > came ? wanted - came : 0) + UInt64(contents.count)
    note(report, of: job)
  }
}

extension ReconcileReport {
  mutating func count(_ message: Message, isNewTurn: Bool) {
    byteCount += message.framed.count
    if isNewTurn { turnCount += 1 }
  }
}
