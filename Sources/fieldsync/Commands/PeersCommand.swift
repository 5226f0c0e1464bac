import ArgumentParser
import FieldAgent
import FieldCore
import FieldWire

struct PeersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "Show the devices of the workspace, and give them names of your own.",
    discussion: """
      A name in quotation marks is what the device called itself when it was let in: it may claim \
      any. Names that you give stay on this device.

      Example:
        fieldsync peers
        fieldsync peers rename 3VZQ5A4J-… shelf
      """,
    subcommands: [ListCommand.self, RenameCommand.self], defaultSubcommand: ListCommand.self)

  struct ListCommand: HomeCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show the devices of the workspace.",
      discussion: """
        Example:
          fieldsync peers list --all
        """)

    @Flag(help: "Also those that were revoked.")
    var all = false

    @Flag(help: "Instead, devices that connected and have no role here; the agent knows the latest 64.")
    var pending = false

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let open = try await home.open()
      if pending { return try showPending() }
      let members = (open.members + (all ? open.formerMembers : [])).map { member in
        ShownMember(member: member, isThisDevice: member.device == open.identity.device)
      }
      try console.result([("peers", .array(members.map(\.json)))], lines: members.map(\.line))
    }

    private func showPending() throws {
      guard home.isAgentRunning, let status = AgentStatus(contentsOf: home.statusPath) else {
        throw AgentError(.agentUnavailable, "Only a running agent knows who asked in vain.")
      }
      let pending = status.pending.map { pending in
        (
          device: Hexadecimal.decode(pending.device).flatMap { DeviceKey($0) }.map(DeviceText.encode) ?? "?",
          transport: pending.transport, address: pending.address
        )
      }
      try console.result(
        [
          (
            "pending",
            .array(
              pending.map {
                .object([
                  ("device", .string($0.device)), ("transport", .string($0.transport)),
                  ("address", .string($0.address)),
                ])
              })
          )
        ],
        lines: pending.map {
          "\($0.device)  by \(TerminalText.escape($0.transport)) from \(TerminalText.escape($0.address))"
        })
    }
  }

  struct RenameCommand: HomeCommand {
    static let configuration = CommandConfiguration(
      commandName: "rename", abstract: "Give a device a name of your own.",
      discussion: """
        Without a name, the one that it has is taken away.

        Example:
          fieldsync peers rename 3VZQ5A4J-… shelf
        """)

    @Argument(help: ArgumentHelp("The device's id, or the name that you gave to it.", valueName: "device"))
    var device: String

    @Argument(help: "What to call it from now on.")
    var name: String?

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let open = try await home.open()
      let device = try open.device(device)
      guard (open.members + open.formerMembers).contains(where: { $0.device == device }) else {
        throw AgentError(
          .notFound, "There is no such device in the workspace.", hint: "List them with 'fieldsync peers'.")
      }
      try home.petnames.rename(device, to: name)
      try console.result([("device", .string(DeviceText.encode(device))), ("petname", .string(name))], lines: [])
    }
  }
}

/// A device as people see it: a name of their own first, and what it calls itself only in quotation marks.
private struct ShownMember {
  let member: Member
  let isThisDevice: Bool

  var json: JSON {
    .object([
      ("device", .string(DeviceText.encode(member.device))), ("petname", .string(member.petname)),
      ("claimedName", .string(member.name)), ("role", .string(member.role.map { "\($0)" })),
      ("revoked", .bool(member.role == nil)), ("thisDevice", .bool(isThisDevice)),
    ])
  }

  var line: String {
    let words = [member.shownName, member.role.map { "\($0)" } ?? "revoked"] + (isThisDevice ? ["this device"] : [])
    return "\(DeviceText.encode(member.device))  \(words.joined(separator: ", "))"
  }
}

extension Member {
  /// Safe to show.
  var shownName: String {
    petname.map(TerminalText.escape) ?? name.map { "“\(TerminalText.escape($0))”" } ?? "?"
  }
}
