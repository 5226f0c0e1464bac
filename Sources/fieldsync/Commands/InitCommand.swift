import ArgumentParser
import FieldAgent
import FieldWire

struct InitCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Found a workspace, with this device as its first admin.",
    discussion: """
      A workspace is the group of devices that sync and read together. Make one on the first \
      device; the others join it with an invitation.

      Example:
        fieldsync init --name laptop
      """)

  @Option(help: ArgumentHelp("What people call this device.", valueName: "name"))
  var name: String

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.create(name: name)
    let device = DeviceText.encode(open.identity.device)
    try console.result(
      [
        ("device", .string(device)), ("workspace", .string(open.identity.workspace.description)),
        ("name", .string(name)), ("home", .string(home.directory)),
      ],
      lines: ["Founded a workspace in \(TerminalText.escape(home.directory)).", "Device \(device)"])
    console.note("Let the next device in with 'fieldsync invite'.")
  }
}
