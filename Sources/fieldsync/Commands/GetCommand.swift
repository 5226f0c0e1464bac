import ArgumentParser
import FieldAgent
import FieldDocuments
import Foundation

struct GetCommand: HomeCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show a document, one of its fields, or save an attachment.",
    discussion: """
      The document is printed as JSON: its fields, and under 'conflicts' the values that other \
      devices wrote at the same time. The next put of a field settles its conflict.

      Examples:
        fieldsync get wells 'Well 7'
        fieldsync get wells 'Well 7' --field depth
        fieldsync get wells 'Well 7' --field photo --output well.jpg
      """)

  @Argument(help: "The database.") var database: String
  @Argument(help: "The document.") var document: String
  @Option(help: ArgumentHelp("Print this field's value alone.", valueName: "key")) var field: String?
  @Option(
    help: ArgumentHelp(
      "Write the field's bytes to this file, which must not exist ('-' for standard output).", valueName: "file"))
  var output: String?
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let database = try await home.open().database(named: self.database)
    guard let document = try await database.get(self.document), !document.isDeleted else {
      throw AgentError(
        .notFound, "There is no document '\(self.document)' in '\(self.database)'.",
        hint: "List what there is with 'fieldsync ls \(self.database)'.")
    }
    if let output {
      try await save(try chosenField(of: document), from: database, to: output)
    } else if field != nil {
      let value = try chosenField(of: document)
      try console.result([("value", value.json)], lines: [text(of: value)])
    } else {
      // JSON either way: a document is data, and what others wrote into it is escaped.
      try Console(json: true, quiet: global.quiet).result(document.json(in: self.database), lines: [])
    }
  }

  private func chosenField(of document: Document) throws -> FieldValue {
    if let field {
      guard let value = document.fields[field] else {
        throw AgentError(
          .notFound, "The document has no field '\(field)'.",
          hint: "It has: \(document.fields.keys.sorted().joined(separator: ", ")).")
      }
      return value
    }
    guard let only = document.attachments.first, document.attachments.count == 1 else {
      throw AgentError(
        .invalidInput, "The document has \(document.attachments.count) attachments.",
        hint: "Say which one with '--field KEY'.")
    }
    return .attachment(only)
  }

  private func text(of value: FieldValue) -> String {
    if case .text(let text) = value { TerminalText.escape(text) } else { value.json.text }
  }

  private func save(_ value: FieldValue, from database: DocumentDatabase, to path: String) async throws {
    let file = try OutputFile(path)
    switch value {
    case .attachment(let attachment):
      try await database.eachPiece(of: attachment) { try file.write($0) }
    case .bytes(let bytes): try file.write(bytes)
    case .text(let text): try file.write(Array(text.utf8))
    default: try file.write(Array(value.json.text.utf8))
    }
    try file.finish()
    if global.json, path != "-" { try console.result([("output", .string(path))], lines: []) }
  }
}

extension Document {
  func json(in database: String) -> [(String, JSON)] {
    func sorted<Value>(_ members: [String: Value]) -> [(key: String, value: Value)] {
      members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
    return [
      ("database", .string(database)), ("document", .string(name)),
      ("fields", .object(sorted(fields).map { ($0.key, $0.value.json) })),
      ("conflicts", .object(sorted(conflicts).map { ($0.key, .array($0.value.map(\.json))) })),
      ("unreadableEntries", .count(unreadableEntryCount)),
    ]
  }
}

extension DocumentDatabase {
  /// An attachment's bytes, a chunk at a time.
  func eachPiece(of attachment: Attachment, _ body: ([UInt8]) throws -> Void) async throws {
    for start in stride(from: 0, to: attachment.byteCount, by: Attachment.pieceByteCount) {
      try body(try await read(attachment, in: start..<start + Attachment.pieceByteCount))
    }
  }
}
