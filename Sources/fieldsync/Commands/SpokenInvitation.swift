import FieldAgent
import FieldCore
import FieldWire

/// An open code on the inviting side's screen: the words, who came with them, and the question whether both screens
/// show the same.
struct SpokenInvitation {
  private static let pollInterval: Duration = .milliseconds(200)

  let home: OpenHome
  let role: DeviceRole
  let console: Console

  func run() async throws {
    guard home.role == .admin else {
      throw AgentError(.notAllowed, "Only an admin lets others in.", hint: "Run it on an admin's device.")
    }
    guard home.home.isAgentRunning else {
      throw AgentError(.agentUnavailable, "Nobody would answer: the agent does not run here.")
    }
    let book = home.home.code
    let code = try book.open(role: role)
    // The words are needed while the command runs, so they do not wait for its result.
    Console.tell("Code: \(code.text)\n")
    console.note("For one try, within two minutes. On the other device: fieldsync join --code")
    do {
      let device = try await letIn(book, code)
      try? book.close(code)
      try console.result(
        [("device", .string(DeviceText.encode(device))), ("role", .string("\(role)"))],
        lines: ["Let in device \(DeviceText.encode(device))."])
    } catch {
      try? book.close(code)
      throw error
    }
  }

  private func letIn(_ book: CodeBook, _ code: CodeBook.Entry) async throws -> DeviceKey {
    var watch = CodeWatch(code)
    let start = ContinuousClock.now
    while true {
      let step = try watch.next(
        try book.entry(), isAgentRunning: home.home.isAgentRunning, at: ContinuousClock.now - start)
      switch step {
      case .wait: try await Task.sleep(for: Self.pollInterval)  // another process writes the file
      case .letIn(let device): return device
      case .ask(let entry):
        let name = TerminalText.escape(entry.name)
        do {
          try Confirmation.ask(
            "A device that calls itself “\(name)” wants in. Check words: \(entry.checkWords)\n"
              + "Does its screen show the same?")
        } catch {
          try book.advance(entry, to: .denied)
          throw error
        }
        try book.advance(entry, to: .confirmed)
      }
    }
  }
}
