import ArgumentParser
import FieldAgent
import FieldWire

struct IDCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "id",
    abstract: "Show this device's id, for others to compare.",
    discussion: """
      The id is the device's public key with check characters. It is no secret.

      Example:
        fieldsync id
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let identity = try home.readIdentity()
    let device = DeviceText.encode(identity.device)
    try console.result(
      [
        ("device", .string(device)), ("workspace", .string(identity.workspace.description)),
        ("name", .string(identity.name)), ("isMember", .bool(!identity.isJoining)),
      ], lines: [device])
    if identity.isJoining { console.note("This device has not finished joining its workspace yet.") }
  }
}
