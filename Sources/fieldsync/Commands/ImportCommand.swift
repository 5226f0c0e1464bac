import ArgumentParser
import FieldAgent
import FieldDocuments

struct ImportCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a document of every file in a directory.",
    discussion: """
      Each regular file becomes a document that is named by its path in the directory, with its \
      bytes, permissions and time of change. Files that have not changed since the last import \
      are not imported again, equal pieces are kept once, and files that are gone stay in the \
      database. Symbolic links and special files are named and left out. Exits with 2 when a \
      file could not be imported, or after Ctrl-C; run it again to go on.

      Example:
        fieldsync import survey ~/survey
      """)

  @Argument(help: "The database.") var database: String
  @Argument(help: ArgumentHelp("The directory.", valueName: "dir")) var directory: String
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    Interruption.listen()
    let database = try await home.open().database(named: self.database)
    let scan = try FolderScan(directory)
    var work = FolderImport(scan, into: database)
    var progress = ProgressLine(
      "import", itemCount: scan.files.count, byteCount: scan.byteCount, console: console)
    do {
      try await work.run { progress.update(items: $0, bytes: $1) }
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    let skipped = work.scan.skipped
    for file in skipped { console.note("Left out \(file.path): \(file.reason)") }
    try console.result(
      [
        ("database", .string(self.database)), ("imported", .count(work.importedCount)),
        ("unchanged", .count(work.unchangedCount)), ("bytes", .count(work.byteCount)),
        ("storedBytes", .count(work.storedByteCount)), ("skipped", .array(skipped.map(\.json))),
      ],
      lines: [
        "Imported \(work.importedCount) files, \(work.unchangedCount) unchanged, \(skipped.count) left out; "
          + "\(ByteText.short(work.storedByteCount)) stored."
      ])
    let failures = skipped.count(where: \.isFailure)
    if failures > 0 {
      throw AgentError(
        .incomplete, "\(failures) files could not be imported.",
        hint: "See what is said of each above, then run it again.")
    }
  }
}

extension FolderScan.Skipped {
  var json: JSON {
    .object([("path", .string(path)), ("reason", .string(reason)), ("failed", .bool(isFailure))])
  }
}
