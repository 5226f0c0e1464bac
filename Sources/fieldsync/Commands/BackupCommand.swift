import ArgumentParser
import FieldAgent
import FieldWire

struct BackupCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Write this device's keys and store to one file, under a passphrase.",
    discussion: """
      The file is as of one moment, also while the agent runs. It is encrypted as a whole: \
      without the passphrase nobody reads it, and no byte of it can be changed unnoticed. With \
      '--identity' it holds the keys and who belongs to the workspace alone; the rest then comes \
      back by a sync, from a relay for example. Open invitations are not in it.

      Example:
        fieldsync backup laptop.backup
      """)

  @Argument(help: ArgumentHelp("The file to write; it must not be there yet.", valueName: "file"))
  var file: String

  @Flag(help: "The keys and the list of devices alone.")
  var identity = false

  @Option(
    help: ArgumentHelp(
      "A file whose first line is the backup's passphrase; it is asked for without.", valueName: "file"))
  var backupPassphraseFile: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    _ = try home.readIdentity()
    let passphrase = try Passphrases.askForNew("Passphrase for the backup: ", file: backupPassphraseFile)
    var progress = ProgressLine("backup", itemCount: 0, byteCount: 0, console: console)
    Interruption.listen()
    let summary = try await home.backup(identity ? .identity : .everything, to: file, passphrase: passphrase) {
      try Interruption.check()
      progress.byteCount = Int(clamping: $1)
      progress.update(items: 0, bytes: Int(clamping: $0))
    }
    progress.finish()
    try console.result(
      [
        ("file", .string(file)), ("device", .string(DeviceText.encode(summary.device))),
        ("contents", .string("\(summary.contents)")), ("entries", .unsigned(summary.entryCount)),
        ("bytes", .count(summary.byteCount)),
      ],
      lines: [
        "Wrote \(TerminalText.escape(file)): \(summary.entryCount) entries, \(ByteText.short(summary.byteCount))."
      ])
    console.note("It is of no use without its passphrase. Get it back with 'fieldsync restore FILE --home DIR'.")
  }
}

struct RestoreCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a home of a backup.",
    discussion: """
      The home has to be empty. The restored device has a new id: nobody can know what the old \
      key signed after the backup was made, so nothing is signed with it again. An admin's \
      device is an admin at once; another one can be read, and writes and syncs again when an \
      admin lets it in: 'fieldsync join'. In a workspace with a shared key the key does that: \
      'fieldsync join --shared-key FILE'. Revoke the old device when it is gone for good.

      Example:
        fieldsync restore laptop.backup --home restored
      """)

  @Argument(help: ArgumentHelp("The file that 'fieldsync backup' wrote.", valueName: "file"))
  var file: String

  @Option(
    help: ArgumentHelp(
      "A file whose first line is the backup's passphrase; it is asked for without.", valueName: "file"))
  var backupPassphraseFile: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    var progress = ProgressLine("restore", itemCount: 0, byteCount: 0, console: console)
    Interruption.listen()
    let summary = try await home.restore(
      from: file, passphrase: { try Passphrases.ask("Passphrase of the backup: ", file: backupPassphraseFile) }
    ) {
      try Interruption.check()
      progress.byteCount = Int(clamping: $1)
      progress.update(items: 0, bytes: Int(clamping: $0))
    }
    progress.finish()
    let open = summary.home
    let (device, former) = (DeviceText.encode(open.identity.device), DeviceText.encode(summary.former))
    try console.result(
      [
        ("device", .string(device)), ("formerDevice", .string(former)),
        ("workspace", .string(open.identity.workspace.description)), ("role", .string(open.role.map { "\($0)" })),
        ("contents", .string("\(summary.contents)")), ("entries", .unsigned(summary.entryCount)),
      ],
      lines: [
        "Restored \(summary.entryCount) entries to \(TerminalText.escape(home.directory)).",
        "Device \(device), \(open.role.map { "\($0)" } ?? "not let in yet"); before it was \(former).",
      ])
    if open.role == nil {
      let next =
        try await open.isOfSharedKey()
        ? "run 'fieldsync join --shared-key -' in this home and paste the shared key."
        : "run 'fieldsync invite' on an admin's device and 'fieldsync join' in this home."
      console.note("It can be read. To write and sync, let it in again: \(next)")
    } else {
      console.note("When the old device is gone for good, revoke it: 'fieldsync revoke \(former)'.")
    }
    if summary.wasLocked { console.note("The keys were under a passphrase: set one with 'fieldsync passphrase set'.") }
  }
}
