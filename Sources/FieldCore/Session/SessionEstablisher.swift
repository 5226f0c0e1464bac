public import Sodium

/// Makes sessions out of fresh connections: the handshake, under its deadline. A connection that fails it is closed,
/// and a stranger's without a byte.
public struct SessionEstablisher: Sendable {
  private let identity: SigningKeyPair
  private let clock: any Clock<Duration>

  public init(identity: SigningKeyPair, clock: any Clock<Duration>) {
    self.identity = identity
    self.clock = clock
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

  /// - Parameter keys: What the peer may begin with.
  public func respond(
    on connection: any TransportConnection, with keys: [SessionKey]
  ) async throws(SessionError) -> Session {
    try await establish(on: connection) { () throws(SessionError) in
      try await finish(try SessionHandshake(responderWith: keys, identity: identity), on: connection)
    }
  }

  private func finish(
    _ start: SessionHandshake, on connection: any TransportConnection
  ) async throws(SessionError)
    -> SessionSecrets
  {
    var handshake = start
    while true {
      switch try handshake.received(try await receive(on: connection)) {
      case .send(let message): try await send(message, on: connection)
      case .established(let secrets, let lastMessage):
        if let lastMessage { try await send(lastMessage, on: connection) }
        return secrets
      }
    }
  }

  private func establish(
    on connection: any TransportConnection,
    _ handshake: @escaping @Sendable () async throws(SessionError) -> SessionSecrets
  ) async throws(SessionError) -> Session {
    let clock = clock
    let result = await withTaskGroup(of: Result<SessionSecrets, SessionError>?.self) { group in
      group.addTask {
        do {
          return .success(try await handshake())
        } catch {
          return .failure(error as? SessionError ?? SessionError(.handshakeFailed, "\(error)"))
        }
      }
      group.addTask {
        guard (try? await clock.sleep(for: SessionLimits.handshakeDeadline)) != nil else { return nil }
        return .failure(SessionError(.timeout, "the handshake took too long"))
      }
      let first = await group.next() ?? nil
      if case .success = first {} else { await connection.close() }
      group.cancelAll()
      return first
    }
    switch result {
    case .success(let secrets): return Session(secrets: secrets, connection: connection, clock: clock)
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
