import ArgumentParser
import FieldAgent
import FieldCore
import FieldStore
import FieldWire

struct RevokeCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "End a device's membership, for good.",
    discussion: """
      What the device wrote stays, as far as it has come here; what it writes from now on counts \
      nowhere. The keys are replaced, so it cannot read what is written from now on; what it has, \
      it has. Other devices learn of it when they sync. To come back, it joins as a new device.

      Example:
        fieldsync revoke 3VZQ5A4J-… --yes
      """)

  @Argument(help: ArgumentHelp("The device's id, or the name that you gave to it.", valueName: "device"))
  var device: String

  @Flag(help: "Do not ask.")
  var yes = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    let device = try open.device(device)
    let member = open.members.first { $0.device == device }
    let text = DeviceText.encode(device)
    if !yes {
      try Confirmation.ask("Revoke \(member?.shownName ?? "?"), device \(text)?")
    }
    let keysAreNew = try await open.revoke(device)
    let epoch = try await open.store.directory().currentEpoch
    try console.result(
      [("device", .string(text)), ("epoch", .unsigned(UInt64(epoch)))],
      lines: ["Revoked \(member?.shownName ?? "?"), device \(text)."])
    console.note(
      keysAreNew
        ? "The keys were replaced. Others learn of it when they sync."
        : "Another admin's device replaces the keys when it learns of it: run 'fieldsync sync' now.")
  }
}
