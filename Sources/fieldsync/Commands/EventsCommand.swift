import ArgumentParser
import FieldAgent
import FieldWire
import Foundation

struct EventsCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Show what the agent has noticed and done: who came and went, over what, and what failed.",
    discussion: """
      Every event has a number, one more than the one before. The agent keeps the newest \
      thousand; with --since, events that are gone already are reported as a gap. With --json \
      each event is a line of its own.

      Example:
        fieldsync events --since 120 --follow --json
      """)

  @Option(help: ArgumentHelp("Only events after this one.", valueName: "number"))
  var since: UInt64 = 0

  @Flag(name: .shortAndLong, help: "Go on with what happens from now on, until interrupted.")
  var follow = false

  @OptionGroup var global: GlobalOptions

  /// Between two looks.
  private static let interval = Duration.milliseconds(250)

  func run() async throws {
    let open = try await home.open()
    let names = Dictionary(
      open.members.map { ($0.device.description, $0.name ?? "?") }, uniquingKeysWith: { first, _ in first })
    var last = since
    repeat {
      let events = EventLog.events(in: home.eventsPath).filter { $0.id > last }
      if let first = events.first, first.id > last + 1, since > 0 || last > 0 {
        try tell(gap: last + 1...first.id - 1)
      }
      for event in events { try tell(event, names) }
      last = events.last?.id ?? last
    } while try await again()
  }

  private func again() async throws -> Bool {
    guard follow else { return false }
    try await ContinuousClock().sleep(for: Self.interval)
    return true
  }

  private func tell(gap: ClosedRange<UInt64>) throws {
    let json = JSON.object([
      ("schema", .count(Console.schema)), ("type", .string("gap")), ("first", .unsigned(gap.lowerBound)),
      ("last", .unsigned(gap.upperBound)),
    ])
    try Console.write(
      global.json ? json.text + "\n" : "       events \(gap.lowerBound) to \(gap.upperBound) are gone\n",
      to: .standardOutput)
  }

  private func tell(_ event: AgentEvent, _ names: [String: String]) throws {
    try Console.write(global.json ? event.json.text + "\n" : event.line(names) + "\n", to: .standardOutput)
  }
}

extension AgentEvent {
  fileprivate var json: JSON {
    let known: [(String, JSON)] = [
      ("schema", .count(Console.schema)), ("id", .unsigned(id)), ("type", .string(type.rawValue)),
      ("time", .string(time.ISO8601Format())),
    ]
    let optional: [(String, String?)] = [
      ("peer", peer), ("transport", transport), ("from", from), ("address", address), ("code", code),
      ("reason", reason), ("remedy", remedy),
    ]
    return .object(
      known + optional.compactMap { name, value in value.map { (name, .string($0)) } }
        + (retryInSeconds.map { [("retryInSeconds", .double($0))] } ?? []))
  }

  fileprivate func line(_ names: [String: String]) -> String {
    let words = [
      peer.map { names[$0] ?? String($0.prefix(8)) }, from.map { "from \($0)" },
      transport.map { from == nil ? $0 : "to \($0)" }, address, reason,
      retryInSeconds.map { "again in \($0) s" }, remedy,
    ].compactMap { $0 }.map(TerminalText.escape)
    let number = String(id)
    return String(repeating: " ", count: max(0, 6 - number.count)) + number + "  " + time.ISO8601Format() + "  "
      + type.rawValue + (words.isEmpty ? "" : ": " + words.joined(separator: ", "))
  }
}
