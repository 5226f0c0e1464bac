public import FieldCore

/// What the command that shows a code does until it knows what became of it. It comes to an end whatever the peer and
/// the agent do, or do not.
public struct CodeWatch: Sendable {
  public enum Step: Sendable {
    /// Look again in a moment.
    case wait
    /// Ask the user whether both screens show the same check words, and write down the answer.
    case ask(CodeBook.Entry)
    case letIn(DeviceKey)
  }

  /// How long the agent may take from one state to the next. Longer than it waits for a peer before it gives up, so
  /// that this passes only where the agent is stuck.
  static let answerLimit: Duration = SessionLimits.handshakeDeadline + AgentLimits.joiningDeadline + .seconds(20)

  private let code: [UInt8]
  private var state = CodeBook.State.open
  private var since: Duration = .zero

  public init(_ opened: CodeBook.Entry) {
    code = opened.code
  }

  /// - Parameters:
  ///   - entry: What the book has now.
  ///   - now: By a clock that never goes back.
  /// - Throws: ``AgentError`` when nobody is let in by this code any more: `peerNotFound`, `peerRefused`,
  ///   `agentUnavailable`, `incomplete`, `busy`.
  public mutating func next(
    _ entry: CodeBook.Entry?, isAgentRunning: Bool, at now: Duration
  ) throws(AgentError) -> Step {
    guard let entry else {
      throw AgentError(
        .peerNotFound, "Nobody used the code in time.", hint: "Make a new one with 'fieldsync invite --code'.")
    }
    guard entry.code == code else {
      throw AgentError(.busy, "Another code was made on this device, which ended this one.", hint: "Use the newer one.")
    }
    if entry.state != state {
      state = entry.state
      since = now
    }
    switch state {
    case .letIn:
      guard let device = entry.device else { throw AgentError(.unexpected, "No device was let in.") }
      return .letIn(device)
    case .denied, .failed:
      throw AgentError(
        .peerRefused, "Somebody tried the code and did not get in; it cannot be used again.",
        hint: "Make a new one with 'fieldsync invite --code'. If that happens again, somebody near is guessing.")
    case .open, .tried, .asking, .confirmed: break
    }
    guard isAgentRunning else {
      throw AgentError(
        .agentUnavailable, "The agent stopped, so nobody answers.",
        hint: "Start it with 'fieldsync agent', and make a new code with 'fieldsync invite --code'.")
    }
    switch state {
    case .asking: return .ask(entry)
    case .tried, .confirmed:
      guard now - since < Self.answerLimit else {
        throw AgentError(
          .incomplete, "The agent did not say what became of the code.",
          hint: "See with 'fieldsync peers' who is in, and start the agent again.")
      }
      return .wait
    default: return .wait
    }
  }
}
