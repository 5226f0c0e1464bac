import ArgumentParser
import FieldAgent
import FieldWire

struct StatusCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show this device, its databases and the devices it syncs with.",
    discussion: """
      A database's digest is the same on two devices exactly when they hold the same entries.

      Example:
        fieldsync status --json
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    let device = DeviceText.encode(open.identity.device)
    let databases = try await open.databaseSummaries()
    let peers = open.members.filter { $0.device != open.identity.device }
    try console.result(
      [
        ("device", .string(device)), ("name", .string(open.identity.name)),
        ("role", .string(open.role.map { "\($0)" })), ("workspace", .string(open.identity.workspace.description)),
        ("agentRunning", .bool(home.isAgentRunning)), ("databases", .array(databases.map(\.json))),
        ("peers", .array(peers.map(\.json))),
      ],
      lines: [
        "Device     \(device)",
        "Name       \(TerminalText.escape(open.identity.name)), \(open.role.map { "\($0)" } ?? "no role")",
        "Workspace  \(open.identity.workspace)",
        "Agent      \(home.isAgentRunning ? "running" : "not running")",
      ] + databases.map { "Database   \($0.shownName), \($0.entryCount) entries, digest \($0.digest.prefix(16))" }
        + peers.map {
          "Peer       \($0.name.map(TerminalText.escape) ?? "?"), \($0.role), \(DeviceText.encode($0.device))"
        })
  }
}

extension Member {
  var json: JSON {
    .object([
      ("device", .string(DeviceText.encode(device))), ("name", .string(name)), ("role", .string("\(role)")),
      ("transport", .null), ("remaining", .null), ("lastSync", .null),
    ])
  }
}
