public import Sodium
import Synchronization

/// Makes sessions out of fresh connections: the handshake, under its deadline. A connection that fails it is closed,
/// and a stranger's without a byte.
public struct SessionEstablisher: Sendable {
  private let identity: SigningKeyPair
  private let clock: any Clock<Duration>
  private let time: FrameLinkClock

  public init(identity: SigningKeyPair, clock: any Clock<Duration>) {
    self.identity = identity
    self.clock = clock
    time = FrameLinkClock(clock)
  }

  public func initiate(
    on connection: any TransportConnection, with key: SessionKey
  ) async throws(SessionError) -> Session {
    try await establish(on: connection) { () throws(SessionError) in
      var handshake = try SessionHandshake(initiatorWith: key, identity: identity)
      try await send(try handshake.start(), on: connection)
      return try await finish(handshake, on: connection)
    }
  }

  /// Begins with a code that the user was told, see ``CodeExchange``.
  ///
  /// - Throws: ``SessionError``: `stranger` when no code is open there, or it was another one.
  public func initiate(
    on connection: any TransportConnection, withCode code: [UInt8]
  ) async throws(SessionError) -> Session {
    try await establish(on: connection) { () throws(SessionError) in
      let request = try CodeExchange.Request(code: code)
      try await send(request.message, on: connection)
      let key = try request.key(answer: try await receive(on: connection))
      var handshake = try SessionHandshake(initiatorWith: key, identity: identity)
      try await send(try handshake.start(), on: connection)
      return try await finish(handshake, on: connection)
    }
  }

  /// - Parameters:
  ///   - keys: What the peer may begin with.
  ///   - claimCode: Uses up the open code for a peer that tries it, and returns it; `nil` where none is open.
  /// - Throws: ``SessionError``: `wrongCode` whatever went wrong once the code was used up, silence and a cancelled
  ///   task included.
  public func respond(
    on connection: any TransportConnection, with keys: [SessionKey],
    claimCode: @escaping @Sendable () async -> [UInt8]? = { nil }
  ) async throws(SessionError) -> Session {
    let codeUse = CodeUse()
    do {
      return try await establish(on: connection) { () throws(SessionError) in
        let first = try await receive(on: connection)
        guard CodeExchange.isRequest(first) else {
          return try await finish(
            try SessionHandshake(responderWith: keys, identity: identity), on: connection, received: first)
        }
        guard let code = await claimCode() else { throw SessionError(.stranger, "no code is open here") }
        codeUse.isOver.store(true, ordering: .sequentiallyConsistent)
        let (answer, key) = try CodeExchange.answer(first, code: code)
        try await send(answer, on: connection)
        return try await finish(try SessionHandshake(responderWith: [key], identity: identity), on: connection)
      }
    } catch {
      throw codeUse.isOver.load(ordering: .sequentiallyConsistent) ? SessionError(.wrongCode, error.reason) : error
    }
  }

  /// Whether a connection's peer has used a code up, whichever of the tasks that serve it ends first.
  private final class CodeUse: Sendable {
    let isOver = Atomic(false)
  }

  private typealias Established = (secrets: SessionSecrets, roundTrip: Duration?)

  /// Each side hears an answer to what it said before, and so sees how long that takes.
  ///
  /// - Parameter first: A message that came already.
  private func finish(
    _ start: SessionHandshake, on connection: any TransportConnection, received first: [UInt8]? = nil
  ) async throws(SessionError) -> Established {
    var handshake = start
    var next = first
    var saidAt = first == nil ? time.now() : nil
    var roundTrip: Duration?
    while true {
      let message: [UInt8]
      if let next {
        message = next
      } else {
        message = try await receive(on: connection)
        if let saidAt { roundTrip = time.now() - saidAt }
      }
      next = nil
      switch try handshake.received(message) {
      case .send(let message):
        saidAt = time.now()
        try await send(message, on: connection)
      case .established(let secrets, let lastMessage):
        if let lastMessage { try await send(lastMessage, on: connection) }
        return (secrets, roundTrip)
      }
    }
  }

  private func establish(
    on connection: any TransportConnection,
    _ handshake: @escaping @Sendable () async throws(SessionError) -> Established
  ) async throws(SessionError) -> Session {
    let clock = clock
    let result = await withTaskGroup(of: Result<Established, SessionError>?.self) { group in
      group.addTask {
        do {
          return .success(try await handshake())
        } catch {
          return .failure(error as? SessionError ?? SessionError(.handshakeFailed, "\(error)"))
        }
      }
      group.addTask {
        let deadline = SessionLimits.handshakeDeadline * (Defence.handshakeDeadline.isOff ? 3 : 1)
        guard (try? await clock.sleep(for: deadline)) != nil else { return nil }
        return .failure(SessionError(.timeout, "the handshake took too long"))
      }
      let first = await group.next() ?? nil
      if case .success = first {} else { await connection.close() }
      group.cancelAll()
      return first
    }
    switch result {
    case .success(let (secrets, roundTrip)):
      return Session(secrets: secrets, connection: connection, clock: clock, roundTrip: roundTrip)
    case .failure(let error): throw error
    case nil: throw SessionError(.closed, "cancelled")
    }
  }

  private func send(_ message: [UInt8], on connection: any TransportConnection) async throws(SessionError) {
    do {
      try await connection.send(message)
    } catch {
      throw SessionError(.connectionLost, error.reason)
    }
  }

  private func receive(on connection: any TransportConnection) async throws(SessionError) -> [UInt8] {
    do {
      guard let message = try await connection.receive() else {
        throw SessionError(
          .stranger,
          "the peer ended the connection during the handshake: it does not know this key, or wants no session now")
      }
      return message
    } catch let error as SessionError {
      throw error
    } catch {
      throw SessionError(.connectionLost, "\(error)")
    }
  }
}
