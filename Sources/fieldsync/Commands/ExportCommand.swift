import ArgumentParser
import FieldAgent
import FieldDocuments

struct ExportCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a database's files into a directory.",
    discussion: """
      The counterpart of import. It writes under the directory only, whatever the documents' \
      names say, and leaves files alone that are there unless '--force' is given. Exits with 2 \
      when a file could not be written.

      Example:
        fieldsync export survey /media/stick/survey
      """)

  @Argument(help: "The database.") var database: String
  @Argument(help: ArgumentHelp("The directory; it is made if need be.", valueName: "dir")) var directory: String
  @Flag(help: "Replace files that are there.") var force = false
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    Interruption.listen()
    let database = try await home.open().database(named: self.database)
    let names = try await database.documentNames()
    let work = try FolderExport(database, into: directory, replaces: force)
    var progress = ProgressLine("export", itemCount: names.count, byteCount: 0, console: console)
    do {
      try await work.run(names) { progress.update(items: $0, bytes: $1) }
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    for file in work.skipped {
      console.note("Left out \(TerminalText.escape(file.document)): \(TerminalText.escape(file.reason))")
    }
    try console.result(
      [
        ("database", .string(self.database)), ("exported", .count(work.exportedCount)),
        ("bytes", .count(work.byteCount)),
        ("notFiles", .count(work.otherCount)),
        (
          "skipped",
          .array(work.skipped.map { .object([("document", .string($0.document)), ("reason", .string($0.reason))]) })
        ),
      ],
      lines: [
        "Exported \(work.exportedCount) files, \(work.skipped.count) left out"
          + (work.otherCount > 0 ? "; \(work.otherCount) documents are not files." : ".")
      ])
    if !work.skipped.isEmpty {
      throw AgentError(
        .incomplete, "\(work.skipped.count) files were not written.", hint: "See what is said of each above.")
    }
  }
}
