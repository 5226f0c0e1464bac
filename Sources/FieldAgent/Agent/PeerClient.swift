public import FieldCore
import FieldWire

/// What one command does with one peer: join its workspace, or sync with it until both are equal.
public struct PeerClient: Sendable {
  let transports: [any NetworkTransport]
  let clock: any Clock<Duration>

  public init(transports: [any NetworkTransport], clock: any Clock<Duration> = ContinuousClock()) {
    self.transports = transports
    self.clock = clock
  }

  /// Lets this home's device be let in by the admin who gave out `invitation`.
  ///
  /// - Throws: ``AgentError``: `peerNotFound` when nobody answers, `peerRefused` when the invitation is used up or
  ///   expired, or who answers is not the admin that gave it out.
  public func join(_ invitation: Invitation, home: Home, name: String, at address: PeerAddress) async throws -> OpenHome
  {
    let identity = try home.beginJoining(invitation, name: name)
    let connection = try await connect(to: address)
    let key = SessionKey.invitation(secret: invitation.secret, workspace: invitation.workspace)
    let session: Session
    do {
      session = try await SessionEstablisher(identity: identity.keyPair, clock: clock).initiate(
        on: connection, with: key)
    } catch {
      throw AgentError(
        .peerRefused, "The peer at \(address) does not know this invitation.",
        hint:
          "Check that the inviting device runs 'fieldsync agent', and that the invitation is neither used nor expired.")
    }
    return try await ask(in: session, home, identity) { () async throws in
      guard session.peer == invitation.admin else {
        throw AgentError(
          .peerRefused, "The device at \(address) is not the one that gave out the invitation.",
          hint: "Join at the inviting device's own address.")
      }
    }
  }

  /// Lets this home's device be let in by an admin who told its user a code. The code is used up by this, whatever
  /// comes of it.
  ///
  /// - Parameters:
  ///   - code: As ``CodeBook/bytes(of:)`` reads it.
  ///   - confirm: Shows the check words; throws when they are not those on the other screen.
  /// - Throws: ``AgentError``: `peerNotFound`, `peerRefused`.
  public func join(
    code: [UInt8], home: Home, name: String, at address: PeerAddress,
    confirm: @escaping @Sendable (_ checkWords: String) async throws -> Void
  ) async throws -> OpenHome {
    let identity = try home.beginJoiningByCode(name: name)
    let connection = try await connect(to: address)
    let session: Session
    do {
      session = try await SessionEstablisher(identity: identity.keyPair, clock: clock).initiate(
        on: connection, withCode: code)
    } catch {
      throw AgentError(
        .peerRefused, "The peer at \(address) has no such code open.",
        hint: "A code is good for one try within two minutes: make a new one with 'fieldsync invite --code'.")
    }
    return try await ask(in: session, home, identity) {
      try await confirm(CodeWords.text(of: session.secrets.checkBytes))
    }
  }

  private func ask(
    in session: Session, _ home: Home, _ identity: Identity, if check: @escaping @Sendable () async throws -> Void
  ) async throws -> OpenHome {
    let running = Task { await session.run() }
    do {
      try await check()
      let entries = try await Joining.ask(as: identity.name, in: session)
      let open = try await home.finishJoining(entries)
      await session.close(.done)
      _ = await running.value
      return open
    } catch {
      await session.close(.done)
      _ = await running.value
      throw error
    }
  }

  /// Syncs with the peer at `address` until both sides are equal.
  ///
  /// - Parameter event: Hears how it goes.
  /// - Throws: ``AgentError``: `peerNotFound`, `peerRefused`, `incomplete` when the peer left before the end.
  public func sync(
    _ home: OpenHome, with address: PeerAddress, event: @escaping @Sendable (SyncEvent) async -> Void
  ) async throws -> SyncOutcome {
    try home.requireAdmission()
    let session: Session
    do {
      session = try await establish(home, with: address)
    } catch let error as SessionError {
      throw error.code == .ownReflection
        ? AgentError(.invalidInput, "\(address) is this device itself.", hint: "Give a peer's address.")
        : error.code == .timeout || error.code == .connectionLost
          ? AgentError(.peerNotFound, "The peer at \(address) went silent during the handshake.")
          : AgentError(
            .peerRefused, "The peer at \(address) is not in this workspace.",
            hint: "Both devices have to be members of one workspace: 'fieldsync id' on both shows which.")
    }
    let sync = PeerSync(
      session: session, store: home.store, ownDevice: home.identity.device, ending: .whenSettled, clock: clock)
    let listener = Task { for await next in sync.events { await event(next) } }
    let outcome = await sync.run()
    await listener.value
    if outcome.isInStep || outcome.isSettledApart { return outcome }
    switch outcome.end.code {
    case .refused:
      throw AgentError(
        .peerRefused, "The peer at \(address) refused this device.",
        hint: "It may have been revoked, or its grant has not reached that peer: sync with the inviting device first.")
    case .notAMember:
      throw AgentError(.peerRefused, "The device at \(address) is not a member of this workspace.")
    case .protocolViolation, .incompatible: throw AgentError(.protocolViolation, "\(outcome.end.reason).")
    case .storeFailed: throw AgentError(.unexpected, "\(outcome.end.reason).")
    default:
      throw AgentError(
        .incomplete, "The peer left before both sides were equal (\(outcome.end.reason)).",
        hint: "Run the command again: it goes on where it stopped.")
    }
  }

  /// A peer that was away while keys were replaced knows an older key only: where the first is not answered, the older
  /// ones are tried, each over a connection of its own.
  private func establish(_ home: OpenHome, with address: PeerAddress) async throws -> Session {
    var failure = SessionError(.stranger, "no key")
    for key in try await home.syncKeys() {
      let connection = try await connect(to: address)
      do {
        return try await SessionEstablisher(identity: home.identity.keyPair, clock: clock)
          .initiate(on: connection, with: key)
      } catch {
        failure = error
        guard error.code == .stranger else { break }
      }
    }
    throw failure
  }

  private func connect(to address: PeerAddress) async throws(AgentError) -> any TransportConnection {
    guard let transport = transports.first(where: { $0.kind == address.kind }) else {
      throw AgentError(
        .invalidInput, "No transport here reaches \(address).", hint: "Use tcp://HOST:PORT or ble://ADDRESS.")
    }
    do {
      return try await transport.connect(to: address)
    } catch {
      switch error.code {
      case .badAddress:
        throw AgentError(
          .invalidInput, "'\(address)' is not an address.", hint: "Use tcp://HOST:PORT or ble://ADDRESS.")
      case .unavailable: throw AgentError(.agentUnavailable, "\(error.reason).")
      default:
        throw AgentError(
          .peerNotFound, "Nobody answers at \(address): \(error.reason).",
          hint: "Check the address, and that 'fieldsync agent' runs there.")
      }
    }
  }
}

extension OpenHome {
  /// What this workspace's sessions may begin with, the current key first. Older ones let in a device that was away
  /// while keys were replaced; one that was revoked gets no further than the handshake with them.
  ///
  /// - Throws: ``AgentError`` with `notAllowed` before the device is a member.
  func syncKeys() async throws -> [SessionKey] {
    let keys = try await currentKeys()
    let older = keys.presenceKeys.reversed().map(\.key).filter { $0 != keys.presence }
    let secrets = ([keys.presence].compactMap(\.self) + older).prefix(AgentLimits.presenceKeyCount)
    guard !secrets.isEmpty else {
      throw AgentError(.notAllowed, "This device is not a member of the workspace yet.")
    }
    return secrets.map { SessionKey(purpose: .sync, workspace: identity.workspace, secret: $0) }
  }
}
