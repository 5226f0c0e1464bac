import ArgumentParser
import FieldAgent
import FieldDocuments
import Foundation

struct PutCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Set fields of a document.",
    discussion: """
      The document and the database come into being with the first put. Fields that are not \
      named keep their values.

        KEY=TEXT    text
        KEY:=JSON   a JSON scalar: a number, true, false, null or a quoted string
        KEY=@FILE   a file's bytes, as an attachment ('-' for standard input)

      Example:
        fieldsync put wells 'Well 7' depth:=42.5 dry:=true photo=@well.jpg
      """)

  @Argument(help: "The database.") var database: String
  @Argument(help: "The document.") var document: String
  @Argument(help: ArgumentHelp("Fields to set.", valueName: "key=value")) var fields: [Assignment] = []
  @Option(help: ArgumentHelp("A field to remove; may be repeated.", valueName: "key")) var remove: [String] = []
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if fields.isEmpty, remove.isEmpty { throw ValidationError("Give at least one KEY=VALUE, or --remove KEY.") }
    let names = fields.map(\.field) + remove
    if Set(names).count < names.count { throw ValidationError("A field is named twice.") }
  }

  func run() async throws {
    let open = try await home.open()
    var writer = try open.database(named: database).writer()
    var values: [String: FieldValue] = [:]
    for assignment in fields {
      switch assignment.value {
      case .value(let value): values[assignment.field] = value
      case .file(let path):
        let file = try InputFile(path)
        values[assignment.field] = .attachment(try await writer.attach(name: file.name, reading: file.read))
      }
    }
    try await writer.put(document, set: values, remove: Set(remove))
    try await writer.flush()
    try console.result(
      [
        ("database", .string(database)), ("document", .string(document)), ("set", .count(values.count)),
        ("removed", .count(remove.count)),
      ], lines: [])
  }
}
