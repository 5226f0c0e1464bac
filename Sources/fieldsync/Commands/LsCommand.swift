import ArgumentParser
import FieldAgent
import FieldCore
import FieldDocuments
import FieldWire

struct LsCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List the databases, or a database's documents.",
    discussion: """
      One name a line. Characters that a terminal might act on, line breaks among them, are \
      shown as \\u{hex}; '--json' has the names exactly.

      Examples:
        fieldsync ls
        fieldsync ls wells
      """)

  @Argument(help: "The database; without one, the databases are listed.") var database: String?
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let open = try await home.open()
    guard let database else { return try await listDatabases(of: open) }
    let names = try await open.database(named: database).documentNames()
    if names.isEmpty { console.note("There are no documents in '\(TerminalText.escape(database))'.") }
    try console.result(
      [("database", .string(database)), ("documents", .array(names.map { .string($0) }))],
      lines: names.map(TerminalText.escape))
  }

  private func listDatabases(of open: OpenHome) async throws {
    let databases = try await open.databaseSummaries()
    if databases.isEmpty { console.note("There are no databases yet: 'fieldsync put' makes them.") }
    try console.result(
      [("databases", .array(databases.map(\.json)))], lines: databases.map { $0.shownName })
  }
}

extension DatabaseSummary {
  var json: JSON {
    .object([
      ("id", .string(id.description)), ("name", .string(name)), ("entries", .unsigned(entryCount)),
      ("digest", .string(digest)),
    ])
  }

  var shownName: String { name.map(TerminalText.escape) ?? "(\(id))" }
}
