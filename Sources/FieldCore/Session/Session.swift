public import FieldWire
import Noise

/// An established session: authenticated, encrypted, multiplexed. ``run()`` does the work and owns the connection;
/// streams are opened with ``open(_:isLast:)`` and come from the peer through ``incoming``.
///
/// Who the peer is, is proven. Whether it may sync is not this type's to know.
public actor Session {
  public nonisolated let secrets: SessionSecrets
  public nonisolated let transportKind: TransportKind
  public nonisolated let peerDescription: String
  /// See ``TransportConnection/isFallback``.
  public nonisolated let isFallback: Bool
  /// Streams that the peer opens, each with its first message waiting. Ends with the session.
  public nonisolated let incoming: AsyncStream<SessionStream>

  public nonisolated var peer: DeviceKey { secrets.peer }

  private let connection: any TransportConnection
  private let clock: any Clock<Duration>
  private let incomingContinuation: AsyncStream<SessionStream>.Continuation
  private var sending: CipherState
  private var receiving: CipherState
  private var sentCount: UInt64 = 0
  private var receivedCount: UInt64 = 0
  private var multiplexer: Multiplexer
  private var inboxes: [StreamID: Inbox] = [:]
  /// Of those, the ones of streams that the peer opened.
  private var peerInboxCount = 0
  private var outputWaiter: CheckedContinuation<Void, Never>?
  private var heardSinceCheck = true
  private var heardAt: Duration
  private var pingedAt: Duration?
  private var roundTrip: Duration?
  private var meter: LinkMeter
  private let time: FrameLinkClock
  private var answeredSinceCheck = true
  private var ending: SessionError?
  private var isFlushing = false
  private var hasFailedToSend = false

  public private(set) var traffic = SessionTraffic()

  private struct Inbox {
    var messages = MessageQueue()
    var isEnded = false
    var failure: SessionError?
    var reader: CheckedContinuation<Void, Never>?
    var writers: [CheckedContinuation<Void, Never>] = []
    var isFull = false
  }

  /// - Parameter roundTrip: As the handshake has shown it.
  public init(
    secrets: SessionSecrets, connection: any TransportConnection, clock: any Clock<Duration>,
    roundTrip: Duration? = nil
  ) {
    self.secrets = secrets
    self.connection = connection
    self.clock = clock
    transportKind = connection.kind
    peerDescription = connection.peerDescription
    isFallback = connection.isFallback
    sending = secrets.sending
    receiving = secrets.receiving
    multiplexer = Multiplexer(role: secrets.role)
    time = FrameLinkClock(clock)
    heardAt = time.now()
    meter = LinkMeter(assuming: .assumed(of: connection.kind))
    if let roundTrip { meter.answered(after: roundTrip) }
    // ``SessionLimits/unfinishedStreamCount`` at most.
    (incoming, incomingContinuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
  }

  /// Carries the session until one side ends it, the link goes, or the task is cancelled. Every stream has ended then.
  ///
  /// - Returns: Why it ended; `closed` for an end in order.
  public func run() async -> SessionError {
    await withTaskGroup(of: SessionError?.self) { group in
      group.addTask { await self.sendLoop() }
      group.addTask { await self.receiveLoop() }
      group.addTask { await self.watchSilence() }
      var end = await group.next() ?? nil
      // What arrived before the link was lost has arrived: entries, or the peer's word why it left, which may have been
      // read by now.
      if let lost = end, lost.code == .connectionLost, hasFailedToSend {
        group.addTask { [clock] in
          try? await clock.sleep(for: SessionLimits.lastWordsDeadline)
          return lost
        }
        end = await group.next() ?? lost
      }
      finish(end ?? SessionError(.closed, "the session was cancelled"))
      await connection.close()
      group.cancelAll()
    }
    return ending ?? SessionError(.closed, "the session ended")
  }

  /// Opens a stream with its first message.
  public func open(_ message: Message, isLast: Bool) async throws(SessionError) -> SessionStream {
    try checkIsOpen()
    let id = multiplexer.open()
    inboxes[id] = Inbox()
    try await send([message], on: id, isLast: isLast)
    return SessionStream(session: self, id: id)
  }

  /// Sends a message that takes no answer.
  public func notify(_ message: Message) throws(SessionError) {
    try checkIsOpen()
    multiplexer.notify(message.framed)
    wakeSender()
  }

  /// Tells the peer why and ends the session once everything queued is sent.
  public func close(_ code: CloseCode) {
    guard ending == nil, !isFlushing else { return }
    multiplexer.close(code)
    isFlushing = true
    wakeSender()
  }

  /// How the link is doing. A peer from whom nothing was heard for a while, shorter while `isBusy`, is pinged, so that
  /// a dead link shows.
  public func probe(isBusy: Bool) -> (silence: Duration, roundTrip: Duration?, traffic: SessionTraffic) {
    let silence = time.now() - heardAt
    let limit = isBusy ? SessionLimits.probeAfter : SessionLimits.idleProbeAfter
    if ending == nil, pingedAt == nil, silence >= limit { ping() }
    return (silence, roundTrip, traffic)
  }

  /// The link as it was measured so far, or what is assumed of it.
  public var link: LinkMeasure { meter.measure }

  /// What an earlier session with this peer measured of such a link.
  public func recall(_ link: LinkMeasure) { meter.recall(link) }

  private func ping() {
    if pingedAt == nil { pingedAt = time.now() }
    multiplexer.ping(sentCount)
    wakeSender()
  }

  private func checkIsOpen() throws(SessionError) {
    if let ending { throw ending }
    if isFlushing { throw SessionError(.closed, "this side is ending the session") }
  }

  // MARK: Streams

  func send(_ messages: [Message], on id: StreamID, isLast: Bool) async throws(SessionError) {
    while inboxes[id]?.isFull ?? false {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          guard !Task.isCancelled, inboxes[id] != nil else { return continuation.resume() }
          inboxes[id]?.writers.append(continuation)
        }
      } onCancel: {
        Task { await self.wakeWriters(of: id) }
      }
      if Task.isCancelled { throw SessionError(.closed, "cancelled") }
    }
    try checkIsOpen()
    if let failure = inboxes[id]?.failure { throw failure }
    for (index, message) in messages.enumerated() {
      let hasRoom = try multiplexer.send(message.framed, on: id, isLast: isLast && index == messages.count - 1)
      inboxes[id]?.isFull = !hasRoom
    }
    wakeSender()
  }

  func isReset(_ id: StreamID) -> Bool { inboxes[id].map { $0.failure != nil } ?? true }

  func isOpen(_ id: StreamID) -> Bool { multiplexer.isOpen(id) }

  func setBulk(_ id: StreamID) { multiplexer.setBulk(id) }

  func end(_ id: StreamID) {
    guard ending == nil, (try? multiplexer.send([], on: id, isLast: true)) != nil else { return }
    wakeSender()
  }

  /// Once this side is ending the session it says just that: a peer would take a reset for a refusal.
  func reset(_ id: StreamID, _ code: ResetCode) {
    if isFlushing { multiplexer.abandon(id) } else { multiplexer.reset(id, code) }
    forget(id)
    wakeSender()
  }

  func receive(on id: StreamID) async throws(SessionError) -> Message? {
    while try await nextType(on: id) != nil {
      // Taken in place: a copy of a queue costs as much as all that waits in it.
      guard let (message, byteCount) = inboxes[id]?.messages.takeFirst() else { continue }
      multiplexer.consumed(byteCount, on: id)
      if multiplexer.hasOutput { wakeSender() }
      return message
    }
    return nil
  }

  func nextType(on id: StreamID) async throws(SessionError) -> MessageType? {
    while true {
      if let message = inboxes[id]?.messages.first { return message.type }
      guard let inbox = inboxes[id] else { throw ending ?? SessionError(.streamReset, "the stream is over") }
      if let failure = inbox.failure { throw failure }
      if inbox.isEnded { return nil }
      if Task.isCancelled { throw SessionError(.closed, "cancelled") }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          guard !Task.isCancelled, inboxes[id] != nil else { return continuation.resume() }
          inboxes[id]?.reader = continuation
        }
      } onCancel: {
        Task { await self.wakeReader(of: id) }
      }
    }
  }

  /// The stream's user is done with it.
  func forget(_ id: StreamID) {
    guard let inbox = inboxes.removeValue(forKey: id) else { return }
    if !id.isOpened(by: secrets.role) { peerInboxCount -= 1 }
    multiplexer.forgotten(id)
    inbox.reader?.resume()
    for writer in inbox.writers { writer.resume() }
  }

  private func wakeReader(of id: StreamID) {
    inboxes[id]?.reader?.resume()
    inboxes[id]?.reader = nil
  }

  private func wakeWriters(of id: StreamID) {
    let writers = inboxes[id]?.writers ?? []
    inboxes[id]?.writers = []
    for writer in writers { writer.resume() }
  }

  // MARK: The connection

  private func sendLoop() async -> SessionError? {
    do {
      while true {
        guard ending == nil else { return ending }
        let limit = min(connection.maximumMessageByteCount, CipherState.messageByteLimit)
        if let (packet, events) = multiplexer.nextPacket(byteCount: limit - SessionLimits.tagByteCount) {
          for case .writable(let id) in events {
            inboxes[id]?.isFull = false
            wakeWriters(of: id)
          }
          let sealed = try seal(packet)
          let start = time.now()
          try await connection.send(sealed)
          meter.took(sealed.count, from: start, to: time.now())
        } else if isFlushing {
          return SessionError(.closed, "ended by this side")
        } else {
          meter.paused()
          await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
              guard !Task.isCancelled else { return continuation.resume() }
              outputWaiter = continuation
            }
          } onCancel: {
            Task { await self.wakeSender() }
          }
          if Task.isCancelled { return nil }
        }
      }
    } catch let error as SessionError {
      return error
    } catch {
      hasFailedToSend = true
      return SessionError(.connectionLost, "\(error)")
    }
  }

  private func receiveLoop() async -> SessionError? {
    do {
      while let sealed = try await connection.receive() {
        heardSinceCheck = true
        heardAt = time.now()
        for event in try multiplexer.received(try unseal(sealed)) {
          if let end = try handle(event) { return end }
        }
        if multiplexer.hasOutput { wakeSender() }
      }
      return SessionError(.connectionLost, "the peer went without a word")
    } catch let error as SessionError {
      if error.code == .protocolViolation { await sayAndLeave(.protocolViolation) }
      return error
    } catch {
      return SessionError(.connectionLost, "\(error)")
    }
  }

  /// - Throws: `protocolViolation`: this side has to end the session.
  private func handle(_ event: Multiplexer.Event) throws(SessionError) -> SessionError? {
    switch event {
    case .opened(let id):
      peerInboxCount += 1
      guard peerInboxCount <= SessionLimits.unfinishedStreamCount else {
        throw SessionError(.protocolViolation, "more streams than this side comes to read")
      }
      inboxes[id] = Inbox()
      incomingContinuation.yield(SessionStream(session: self, id: id))
    case .message(let id, let bytes):
      guard inboxes[id] != nil else {
        multiplexer.forgotten(id)
        break
      }
      do {
        let message = try Message(decoding: bytes)
        inboxes[id]?.messages.append(message, byteCount: bytes.count)
        if message.type.carriesEntries { traffic.receivedEntryByteCount += UInt64(message.body.count) }
        answeredSinceCheck = true
        wakeReader(of: id)
      } catch {
        reset(id, .refused)  // a kind of message of a later version: this exchange ends, the session goes on
      }
    case .ended(let id):
      inboxes[id]?.isEnded = true
      wakeReader(of: id)
    case .reset(let id, let code):
      inboxes[id]?.failure = SessionError(.streamReset, "the peer ended the exchange (\(code.rawValue))")
      inboxes[id]?.isFull = false
      wakeReader(of: id)
      wakeWriters(of: id)
    case .writable(let id):
      inboxes[id]?.isFull = false
      wakeWriters(of: id)
    case .pong:
      if let pingedAt {
        let time = time.now() - pingedAt
        roundTrip = time
        meter.answered(after: time)
      }
      pingedAt = nil
    case .closed(let code):
      return code == .refused
        ? SessionError(.refused, "the peer refused this device")
        : code == .incompatible
          ? SessionError(.incompatible, "the peer speaks another version of the protocol")
          : code == .done || code == .replaced || code == .shuttingDown
            ? SessionError(.closed, "ended by the peer")
            : SessionError(.protocolViolation, "the peer found this side breaking the protocol")
    }
    return nil
  }

  /// Pings a silent peer, and gives up on one that stays silent, or answers pings and nothing else.
  private func watchSilence() async -> SessionError? {
    var silence: Duration = .zero
    while (try? await clock.sleep(for: SessionLimits.pingAfter)) != nil {
      let isWaiting = inboxes.contains { $0.value.reader != nil && $0.key.isOpened(by: secrets.role) }
      silence = (isWaiting ? answeredSinceCheck : heardSinceCheck) ? .zero : silence + SessionLimits.pingAfter
      heardSinceCheck = false
      answeredSinceCheck = false
      if silence >= SessionLimits.giveUpAfter { return SessionError(.timeout, "the peer is silent") }
      ping()
    }
    return nil
  }

  private func sayAndLeave(_ code: CloseCode) async {
    guard
      let packet = { () -> [UInt8]? in
        var last = Multiplexer(role: secrets.role)
        last.close(code)
        return last.nextPacket(byteCount: connection.maximumMessageByteCount - SessionLimits.tagByteCount)?.packet
      }(), let sealed = try? seal(packet)
    else { return }
    try? await connection.send(sealed)
  }

  private func seal(_ packet: [UInt8]) throws(SessionError) -> [UInt8] {
    do {
      let sealed = try sending.encrypt(packet)
      sentCount += 1
      if sentCount % SessionLimits.messagesPerKey == 0 { sending.rekey() }
      traffic.sentByteCount += UInt64(sealed.count)
      traffic.sentMessageCount += 1
      return sealed
    } catch {
      throw SessionError(.protocolViolation, "\(error)")
    }
  }

  private func unseal(_ sealed: [UInt8]) throws(SessionError) -> [UInt8] {
    do {
      let packet = try receiving.decrypt(sealed)
      receivedCount += 1
      if receivedCount % SessionLimits.messagesPerKey == 0 { receiving.rekey() }
      traffic.receivedByteCount += UInt64(sealed.count)
      traffic.receivedMessageCount += 1
      return packet
    } catch {
      throw SessionError(.protocolViolation, "a packet that is not authentic")
    }
  }

  private func wakeSender() {
    outputWaiter?.resume()
    outputWaiter = nil
  }

  private func finish(_ error: SessionError) {
    guard ending == nil else { return }
    ending = error
    incomingContinuation.finish()
    wakeSender()
    for id in inboxes.keys {
      inboxes[id]?.failure = error
      inboxes[id]?.isFull = false
      wakeReader(of: id)
      wakeWriters(of: id)
    }
  }
}
