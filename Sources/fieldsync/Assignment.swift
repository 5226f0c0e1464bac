import ArgumentParser
import FieldDocuments

/// `key=text`, `key:=json` or `key=@file` of a command line.
struct Assignment: ExpressibleByArgument, Sendable {
  enum Value: Sendable {
    case value(FieldValue)
    case file(String)
  }

  let field: String
  let value: Value

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else { return nil }
    let text = String(argument[argument.index(after: equals)...])
    let left = argument[..<equals]
    if left.hasSuffix(":") {
      guard let value = FieldValue(json: text) else { return nil }
      field = String(left.dropLast())
      self.value = .value(value)
    } else {
      field = String(left)
      value = text.hasPrefix("@") ? .file(String(text.dropFirst())) : .value(.text(text))
    }
    if field.isEmpty { return nil }
  }
}
