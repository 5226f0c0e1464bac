import ArgumentParser
import FieldAgent
import FieldWire

struct WipeCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "wipe",
    abstract: "Remove this device's keys and everything it holds.",
    discussion: """
      The keys go first: without them the rest cannot be read, whatever a disk keeps of removed \
      files. The device stays in the workspace's list until an admin revokes it.

      Example:
        fieldsync wipe --yes
      """)

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let identity = try home.readIdentity()
    if !yes {
      try Confirmation.ask("Remove device \(DeviceText.encode(identity.device)) and all that it holds here?")
    }
    try home.wipe()
    try console.result(
      [("device", .string(DeviceText.encode(identity.device)))],
      lines: ["Removed device \(DeviceText.encode(identity.device))."])
  }
}
