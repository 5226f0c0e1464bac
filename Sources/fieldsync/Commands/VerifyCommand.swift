import ArgumentParser
import FieldAgent
import FieldCore
import FieldDocuments
import FieldStore
import FieldWire

struct VerifyCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every entry of the store, and that every document can be read.",
    discussion: """
      Reads everything: hashes and signatures of all entries, then each document and \
      attachment. Exits with 74 when something is damaged, and with 2 when parts of attachments \
      have not arrived yet. Tells of entries that are missing between others of one author, and \
      of authors that signed two for one place: the first heal by syncing another way.

      Example:
        fieldsync verify
      """)

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    let store = try await open.store.verify()
    let chains = try await open.store.chainAudit()
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
        ("gaps", .array(chains.gaps.map(\.json))), ("forks", .array(chains.forks.map(\.json))),
        ("databases", .array(reports.map { .object([("name", .string($0.name))] + $0.report.members) })),
      ],
      lines: store.map(TerminalText.escape) + chains.gaps.map(\.line) + chains.forks.map(\.line)
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

extension ChainAudit.Gap {
  fileprivate var json: JSON {
    .object([
      ("author", .string(DeviceText.encode(author))), ("database", .string(database.description)),
      ("after", .unsigned(after)), ("before", .unsigned(before)), ("missing", .string(missing.description)),
    ])
  }

  fileprivate var line: String {
    "Missing: entries of device \(DeviceText.encode(author)) "
      + "between its \(after). and \(before). in database \(database)"
  }
}

extension ChainAudit.Fork {
  fileprivate var json: JSON {
    .object([
      ("author", .string(DeviceText.encode(author))), ("database", .string(database.description)),
      ("sequence", .unsigned(sequence)), ("entries", .array(entries.map { .string($0.description) })),
    ])
  }

  fileprivate var line: String {
    "Fork: device \(DeviceText.encode(author)) signed \(entries.count) entries "
      + "as its \(sequence). in database \(database)"
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
