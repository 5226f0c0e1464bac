import FieldAgent
import FieldDocuments
import Foundation

extension FieldValue {
  /// Scalars as themselves; what JSON has no scalar for as an object of one member, `bytes` (base 64) or `attachment`.
  var json: JSON {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .double(let value): .double(value)
    case .text(let value): .string(value)
    case .bytes(let value): .object([("bytes", .string(Data(value).base64EncodedString()))])
    case .attachment(let value):
      .object([("attachment", .object([("name", .string(value.name)), ("byteCount", .count(value.byteCount))]))])
    }
  }

  /// A JSON scalar. `nil` for anything else.
  init?(json text: String) {
    let data = Data(text.utf8)
    let decoder = JSONDecoder()
    let literal = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if literal == "null" {
      self = .null
    } else if let value = try? decoder.decode(Bool.self, from: data) {
      self = .bool(value)
    } else if !literal.contains(where: { ".eE".contains($0) }), let value = try? decoder.decode(Int64.self, from: data)
    {
      self = .integer(value)
    } else if let value = try? decoder.decode(Double.self, from: data), value.isFinite {
      self = .double(value)
    } else if let value = try? decoder.decode(String.self, from: data) {
      self = .text(value)
    } else {
      return nil
    }
  }
}
