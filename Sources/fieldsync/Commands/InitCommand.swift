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

      With '--shared' there are no invitations: the command prints a key of 64 hexadecimal \
      digits, and whoever has it belongs, with 'fieldsync join --shared-key FILE'. That is \
      simple, and it is all: nobody who was told the key can be put out again, there are no \
      admins or relays, and no new keys. Everything can be read with it, for ever.

      Example:
        fieldsync init --name laptop
      """)

  @Option(help: ArgumentHelp("What people call this device.", valueName: "name"))
  var name: String

  @Flag(help: "Whoever has the key that is printed belongs; for good.")
  var shared = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    if shared { return try await runShared() }
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

  private func runShared() async throws {
    let key = SharedKey.random()
    let open = try await home.join(key, name: name)
    let device = DeviceText.encode(open.identity.device)
    console.note("Founded a workspace with a shared key in \(TerminalText.escape(home.directory)), device \(device).")
    try console.result(
      [
        ("device", .string(device)), ("workspace", .string(open.identity.workspace.description)),
        ("name", .string(name)), ("home", .string(home.directory)), ("sharedKey", .string(key.text)),
      ], lines: [key.text])
    console.note(
      "It is shown this once. Whoever has it reads everything; on the others: 'fieldsync join --shared-key -'.")
  }
}
