import FieldCore
import FieldWire
import Logging
import Sodium

/// The inviting side of sessions that begin with an invitation or a code, in an agent.
struct JoiningHost: Sendable {
  let home: OpenHome
  let clock: any Clock<Duration>
  let logger: Logger

  /// The keys of the open invitations.
  func keys() throws -> [SessionKey] {
    try home.home.invitations.pending().map {
      .invitation(secret: $0.secret, workspace: home.identity.workspace)
    }
  }

  /// Uses up the open code, for somebody who tries it.
  func claimCode() -> [UInt8]? {
    do {
      return try home.home.code.claim()
    } catch {
      logger.warning("cannot use the code", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  /// Whoever tried the code did not know it.
  func codeFailed() {
    _ = try? home.home.code.advance(from: .tried, to: .failed)
    logger.notice("a code was tried, and was wrong")
  }

  /// Runs the session to its end.
  func letIn(_ session: Session) async {
    let running = Task { await session.run() }
    do {
      try await Joining.answer(in: session) { device, name in
        let role =
          session.secrets.purpose == .code
          ? try await confirm(device, name, session) : try claimInvitation(of: session, for: device)
        let entries = try await home.admit(device, named: name, as: role)
        if session.secrets.purpose == .code { try home.home.code.advance(from: .confirmed, to: .letIn) }
        logger.notice("let in", metadata: ["device": "\(device.description.prefix(8))", "role": "\(role)"])
        return entries
      }
    } catch {
      logger.notice(
        "not let in", metadata: ["device": "\(session.peer.description.prefix(8))", "reason": "\(error)"])
    }
    _ = await running.value
    if session.secrets.purpose == .code {
      for state in [CodeBook.State.tried, .asking] { _ = try? home.home.code.advance(from: state, to: .failed) }
    }
  }

  private func claimInvitation(of session: Session, for device: DeviceKey) throws -> DeviceRole {
    let pending = try home.home.invitations.pending().first {
      SessionKey.invitation(secret: $0.secret, workspace: home.identity.workspace).secret == session.secrets.key.secret
    }
    guard let pending else { throw AgentError(.peerRefused, "The invitation is used up or expired.") }
    return try home.home.invitations.claim(secret: pending.secret, for: device)
  }

  /// Waits until the user here has compared the check words.
  private func confirm(_ device: DeviceKey, _ name: String, _ session: Session) async throws -> DeviceRole {
    let book = home.home.code
    let refused = AgentError(.peerRefused, "The code was not confirmed.")
    guard try book.ask(device, named: name, checkWords: CodeWords.text(of: session.secrets.checkBytes)) else {
      throw refused
    }
    for _ in 0..<AgentLimits.confirmationPollCount {
      guard let entry = try book.entry(), entry.device == device else { throw refused }
      switch entry.state {
      case .asking: try await clock.sleep(for: AgentLimits.confirmationPollInterval)
      case .confirmed: return entry.role
      default: throw refused
      }
    }
    throw refused
  }
}
