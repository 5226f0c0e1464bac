import ArgumentParser
import FieldAgent
import FieldDocuments

struct RmCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Delete documents, here and, with the next sync, everywhere.",
    discussion: """
      A deletion wins over changes that others make before they hear of it. The deleted entries \
      stay in the store, encrypted, as every entry does.

      Example:
        fieldsync rm wells 'Well 7'
      """)

  @Argument(help: "The database.") var database: String
  @Argument(help: "The documents.") var documents: [String]
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let database = try await home.open().database(named: self.database)
    var missing: [String] = []
    for document in documents where try await !database.delete(document) { missing.append(document) }
    try console.result(
      [
        ("database", .string(self.database)), ("deleted", .count(documents.count - missing.count)),
        ("missing", .array(missing.map { .string($0) })),
      ], lines: [])
    if let first = missing.first {
      throw AgentError(
        .notFound,
        "There is no document '\(first)' in '\(self.database)'\(missing.count > 1 ? ", nor \(missing.count - 1) others" : "").",
        hint: "List what there is with 'fieldsync ls \(self.database)'.")
    }
  }
}
