import ArgumentParser
import FieldAgent
import Glibc

@main
struct FieldSync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fieldsync",
    abstract: "Keep an encrypted database in step between machines that are near each other.",
    discussion: """
      The first device founds a workspace and invites the others:

        laptop$ fieldsync init --name laptop
        laptop$ fieldsync invite

      Then it puts documents and files into databases, which need no making:

        laptop$ fieldsync put notes today text='Well 7 is dry' photo=@well.jpg
        laptop$ fieldsync import survey ~/survey

      Every command exits with 0 when all is done, 2 when a part is done and the rest may be \
      tried again, 64 for wrong usage, and another code for each kind of failure. With --json \
      the result is one line of JSON on standard output, and an error is one line of JSON on \
      standard error with 'code', 'message' and 'hint'. Progress is then JSON lines of \
      type "progress" on standard error.
      """,
    version: "1.0.0",
    subcommands: [
      InitCommand.self, IDCommand.self, InviteCommand.self, PutCommand.self, GetCommand.self, LsCommand.self,
      RmCommand.self, ImportCommand.self, ExportCommand.self, VerifyCommand.self, StatusCommand.self, JoinCommand.self,
      AgentCommand.self, SyncCommand.self, EventsCommand.self, PeersCommand.self, RevokeCommand.self,
      BackupCommand.self, RestoreCommand.self, PassphraseCommand.self, WipeCommand.self,
    ])

  static func main() async {
    var command: any ParsableCommand
    do {
      command = try parseAsRoot(GlobalOptions.behindCommand(Array(CommandLine.arguments.dropFirst())))
    } catch {
      exit(reporting: error, asJSON: CommandLine.arguments.contains("--json"))
    }
    if let command = command as? any HomeCommand, command.global.homes.count > 1, !type(of: command).takesSeveralHomes {
      exit(
        reporting: ValidationError("'--home' is given once; 'agent' alone takes several."), asJSON: command.global.json)
    }
    do {
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      exit(reporting: error, asJSON: (command as? any HomeCommand)?.global.json ?? false)
    }
  }

  private static func exit(reporting error: any Error, asJSON: Bool) -> Never {
    let isUsage = error is CleanExit || error is ExitCode || exitCode(for: error) == .validationFailure
    guard isUsage || exitCode(for: error).isSuccess else {
      let error = AgentError(error)
      Console.report(error, asJSON: asJSON)
      Glibc.exit(error.code.exitStatus)
    }
    guard asJSON, exitCode(for: error) == .validationFailure else { exit(withError: error) }
    Console.reportUsage(message(for: error))
    Glibc.exit(exitCode(for: error).rawValue)
  }
}
