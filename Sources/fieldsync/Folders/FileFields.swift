import FieldDocuments

/// How a file is kept in a document's fields.
enum FileFields {
  /// An attachment.
  static let content = "content"
  /// The nine permission bits, an integer.
  static let mode = "mode"
  /// Nanoseconds since 1970, an integer.
  static let modified = "modified"
}

extension Document {
  var fileContent: Attachment? {
    if case .attachment(let attachment) = fields[FileFields.content] { attachment } else { nil }
  }

  var fileMode: Int64? { integer(FileFields.mode) }
  var fileModified: Int64? { integer(FileFields.modified) }

  private func integer(_ field: String) -> Int64? {
    if case .integer(let value) = fields[field] { value } else { nil }
  }
}
