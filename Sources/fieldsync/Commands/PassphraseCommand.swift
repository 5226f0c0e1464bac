import ArgumentParser
import FieldAgent

struct PassphraseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passphrase",
    abstract: "Put this device's keys under a passphrase, change it, or take it away.",
    discussion: """
      Without one, whoever can read the home's files has the keys. With one, every command asks \
      for it at the terminal, reads the first line of '--passphrase-file', or takes the systemd \
      credential 'fieldsync.passphrase', as an agent has to: in its unit, \
      LoadCredential=fieldsync.passphrase:/etc/fieldsync/passphrase. It is never an argument. \
      Nobody can find a passphrase that was forgotten: keep a backup, or another admin.

      Example:
        fieldsync passphrase set
        fieldsync passphrase remove
      """,
    subcommands: [SetCommand.self, RemoveCommand.self])

  struct SetCommand: HomeCommand {
    static let configuration = CommandConfiguration(
      commandName: "set", abstract: "Set the passphrase, or change it.",
      discussion: """
        Example:
          fieldsync passphrase set
        """)

    @Option(
      help: ArgumentHelp("A file whose first line is the new passphrase; it is asked for without.", valueName: "file"))
    var newPassphraseFile: String?

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let wasLocked = try home.isLocked()
      _ = try home.readIdentity()
      let new = try Passphrases.askForNew("New passphrase: ", file: newPassphraseFile)
      try home.setPassphrase(new)
      try console.result(
        [("locked", .bool(true)), ("changed", .bool(wasLocked))],
        lines: [wasLocked ? "The passphrase was changed." : "The keys are under the passphrase now."])
    }
  }

  struct RemoveCommand: HomeCommand {
    static let configuration = CommandConfiguration(
      commandName: "remove", abstract: "Keep the keys without a passphrase.",
      discussion: """
        Example:
          fieldsync passphrase remove
        """)

    @OptionGroup var global: GlobalOptions

    func run() async throws {
      let wasLocked = try home.isLocked()
      try home.setPassphrase(nil)
      try console.result(
        [("locked", .bool(false)), ("changed", .bool(wasLocked))],
        lines: [wasLocked ? "The keys are under no passphrase any more." : "The keys are under no passphrase."])
    }
  }
}
