import FieldCore
import FieldWire
import Logging
import Sodium
import Synchronization

/// The inviting side of one connection that begins with an invitation or a code, in an agent.
final class JoiningHost: Sendable {
  let home: OpenHome
  private let clock: any Clock<Duration>
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    /// What this connection's peer has used up.
    var code: [UInt8]?
    var hasAsked = false
  }

  init(home: OpenHome, clock: any Clock<Duration>, logger: Logger) {
    self.home = home
    self.clock = clock
    self.logger = logger
  }

  /// The keys of the open invitations.
  func keys() throws -> [SessionKey] {
    try home.home.invitations.pending().map {
      .invitation(secret: $0.secret, workspace: home.identity.workspace)
    }
  }

  /// Uses up the open code, for somebody who tries it.
  func claimCode() -> [UInt8]? {
    do {
      let code = try home.home.code.claim()
      state.withLock { $0.code = code }
      return code
    } catch {
      logger.warning("cannot use the code", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  /// Whoever tried the code did not know it, or went away.
  func codeFailed() {
    failCode()
    logger.notice("a code was tried, and was wrong")
  }

  private func failCode() {
    guard let code = state.withLock({ $0.code }) else { return }
    do {
      try home.home.code.fail(code)
    } catch {
      logger.warning("cannot write down that a code failed", metadata: ["reason": "\(error)"])
    }
  }

  /// Runs the session to its end, which comes with the task's too.
  func letIn(_ session: Session) async {
    let running = Task { await session.run() }
    let deadline = Task { [self] in
      repeat {
        guard (try? await clock.sleep(for: AgentLimits.joiningDeadline)) != nil else { return }
        // Who has asked by then waits for the user here, and is given as long again.
      } while state.withLock { state in
        defer { state.hasAsked = false }
        return state.hasAsked
      }
      running.cancel()
    }
    await withTaskCancellationHandler {
      await answer(session)
      _ = await running.value
    } onCancel: {
      running.cancel()
    }
    deadline.cancel()
  }

  private func answer(_ session: Session) async {
    do {
      try await Joining.answer(in: session) { device, name in
        let role =
          session.secrets.purpose == .code
          ? try await self.confirm(device, name, session) : try self.claimInvitation(of: session, for: device)
        let entries = try await self.home.admit(device, named: name, as: role)
        if let code = self.state.withLock({ $0.code }) { try self.home.home.code.letIn(code) }
        self.logger.notice(
          "let in", metadata: ["device": "\(device.description.prefix(8))", "role": "\(role)"])
        return entries
      }
    } catch {
      logger.notice(
        "not let in", metadata: ["device": "\(session.peer.description.prefix(8))", "reason": "\(error)"])
    }
    failCode()
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
    let checkWords = CodeWords.text(of: session.secrets.checkBytes)
    guard let code = state.withLock({ $0.code }),
      try book.ask(code, device, named: name, checkWords: checkWords)
    else { throw refused }
    state.withLock { $0.hasAsked = true }
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
