import ArgumentParser
import FieldAgent
import FieldDocuments
import FieldStore

struct VerifyCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every entry of the store, and that every document can be read.",
    discussion: """
      Reads everything: hashes and signatures of all entries, then each document and \
      attachment. Exits with 74 when something is damaged, and with 2 when parts of attachments \
      have not arrived yet.

      Example:
        fieldsync verify
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    let store = try await open.store.verify()
    var reports: [(name: String, report: ReadabilityReport)] = []
    for summary in try await open.databaseSummaries() {
      guard let name = summary.name else { continue }
      var progress = ProgressLine(
        "verify", itemCount: Int(clamping: summary.entryCount), byteCount: 0, console: console)
      let report = try await open.database(named: name).checkReadable { progress.update(items: $0, bytes: 0) }
      progress.finish()
      reports.append((name, report))
    }
    try console.result(
      [
        ("problems", .array(store.map { .string($0) })),
        ("databases", .array(reports.map { .object([("name", .string($0.name))] + $0.report.members) })),
      ],
      lines: store.map(TerminalText.escape)
        + reports.map { "\(TerminalText.escape($0.name)): \($0.report.line)" })
    let unreadable = reports.reduce(0) { $0 + $1.report.unreadableEntryCount }
    guard store.isEmpty, unreadable == 0 else {
      throw AgentError(
        .damaged, store.isEmpty ? "\(unreadable) entries cannot be read." : "The store is damaged.",
        hint:
          "Sync with a device that has a good copy; a damaged store is best replaced: 'fieldsync join' into a new home."
      )
    }
    let missing = reports.reduce(0) { $0 + $1.report.missingChunkCount }
    guard missing == 0 else {
      throw AgentError(
        .incomplete, "\(missing) parts of attachments have not arrived yet.",
        hint: "Sync with a device that has them.")
    }
  }
}

extension ReadabilityReport {
  var members: [(String, JSON)] {
    [
      ("entries", .count(entryCount)), ("documents", .count(documentCount)), ("attachments", .count(attachmentCount)),
      ("unreadableEntries", .count(unreadableEntryCount)), ("missingChunks", .count(missingChunkCount)),
      ("incompleteDocuments", .array(incompleteDocuments.map { .string($0) })),
    ]
  }

  var line: String {
    "\(documentCount) documents, \(attachmentCount) attachments, \(entryCount) entries"
      + (unreadableEntryCount > 0 ? ", \(unreadableEntryCount) unreadable" : "")
      + (missingChunkCount > 0 ? ", \(missingChunkCount) parts not here yet" : "")
  }
}
