import FieldCore
import FieldWire
import Testing

@testable import FieldAgent

/// What the user who shows a code is told, and that it is told in the end.
struct CodeWatchTests {
  private let device = DeviceKey(words: (1, 2, 3, 4))

  private func entry(_ state: CodeBook.State, code: [UInt8] = [1, 2, 3]) -> CodeBook.Entry {
    var entry = CodeBook.Entry(
      state: state, role: .member, code: code, madeAt: ClockReading(wallSeconds: 1, bootSeconds: 1, boot: "b"),
      lifetimeSeconds: 120)
    entry.device = device
    return entry
  }

  @Test func asksOnceItIsTriedAndSaysWhoWasLetIn() throws {
    var watch = CodeWatch(entry(.open))
    for state in [CodeBook.State.open, .tried] {
      guard case .wait = try watch.next(entry(state), isAgentRunning: true, at: .zero) else {
        Issue.record("did not wait while \(state)")
        return
      }
    }
    guard case .ask(let asking) = try watch.next(entry(.asking), isAgentRunning: true, at: .zero) else {
      Issue.record("did not ask")
      return
    }
    #expect(asking.device == device)
    guard case .wait = try watch.next(entry(.confirmed), isAgentRunning: true, at: .zero),
      case .letIn(device) = try watch.next(entry(.letIn), isAgentRunning: false, at: .zero)
    else {
      Issue.record("did not say who was let in")
      return
    }
  }

  @Test(arguments: [CodeBook.State.tried, .confirmed])
  func anAgentThatIsStuckIsNotWaitedForWithoutEnd(state: CodeBook.State) throws {
    var watch = CodeWatch(entry(.open))
    // However long nobody tries it, the agent has its time.
    _ = try watch.next(entry(.open), isAgentRunning: true, at: .seconds(119))
    _ = try watch.next(entry(state), isAgentRunning: true, at: .seconds(119))
    _ = try watch.next(entry(state), isAgentRunning: true, at: .seconds(118) + CodeWatch.answerLimit)
    #expect(throws: AgentError(.incomplete, "")) {
      try watch.next(entry(state), isAgentRunning: true, at: .seconds(119) + CodeWatch.answerLimit)
    }
  }

  @Test(arguments: [CodeBook.State.open, .tried, .asking, .confirmed])
  func anAgentThatHasGoneIsNotWaitedFor(state: CodeBook.State) {
    var watch = CodeWatch(entry(.open))
    #expect(throws: AgentError(.agentUnavailable, "")) {
      try watch.next(entry(state), isAgentRunning: false, at: .zero)
    }
  }

  @Test func everyOtherEndIsAnErrorOfItsOwn() {
    var watch = CodeWatch(entry(.open))
    #expect(throws: AgentError(.peerNotFound, "")) { try watch.next(nil, isAgentRunning: true, at: .zero) }
    for state in [CodeBook.State.denied, .failed] {
      #expect(throws: AgentError(.peerRefused, "")) {
        try watch.next(entry(state), isAgentRunning: true, at: .zero)
      }
    }
    #expect(throws: AgentError(.busy, "")) {
      try watch.next(entry(.asking, code: [3, 2, 1]), isAgentRunning: true, at: .zero)
    }
  }
}
