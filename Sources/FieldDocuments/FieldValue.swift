import FieldCore
import FieldWire

/// What a document's field holds. Encoded as a type byte and, by type:
///
/// | type | value | bytes that follow |
/// | --- | --- | --- |
/// | 0 | null | none |
/// | 1, 2 | false, true | none |
/// | 3 | integer | 8, two's complement |
/// | 4 | double, finite | 8, IEEE 754 |
/// | 5 | text | length-prefixed UTF-8 |
/// | 6 | bytes | length-prefixed |
/// | 7 | attachment | name (length-prefixed, empty for none), byte count (varint), and for each chunk its content hash (32) |
public enum FieldValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case text(String)
  case bytes([UInt8])
  case attachment(Attachment)

  func validate() throws(DocumentError) {
    switch self {
    case .double(let number):
      guard number.isFinite else { throw DocumentError(.invalidValue, "a number that is not finite") }
    case .attachment(let attachment):
      guard attachment.name?.isEmpty != true,
        attachment.name?.utf8.count ?? 0 <= DocumentLimits.attachmentNameByteCount
      else { throw DocumentError(.invalidName, "an attachment's name that is empty or too long") }
    default: break
    }
  }

  func encode(into writer: inout WireWriter) {
    switch self {
    case .null: writer.u8(0)
    case .bool(let value): writer.u8(value ? 2 : 1)
    case .integer(let value):
      writer.u8(3)
      writer.u64(UInt64(bitPattern: value))
    case .double(let value):
      writer.u8(4)
      writer.u64(value.bitPattern)
    case .text(let value):
      writer.u8(5)
      writer.text(value)
    case .bytes(let value):
      writer.u8(6)
      writer.lengthPrefixed(value)
    case .attachment(let value):
      writer.u8(7)
      writer.text(value.name ?? "")
      writer.count(value.byteCount)
      for chunk in value.chunks { writer.identifier(chunk) }
    }
  }

  init(from reader: inout WireReader) throws(WireError) {
    switch try reader.u8() {
    case 0: self = .null
    case 1: self = .bool(false)
    case 2: self = .bool(true)
    case 3: self = .integer(Int64(bitPattern: try reader.u64()))
    case 4:
      let number = Double(bitPattern: try reader.u64())
      guard number.isFinite else { throw WireError(.invalidValue, "a number that is not finite") }
      self = .double(number)
    case 5: self = .text(try reader.text(limit: reader.remainingByteCount))
    case 6: self = .bytes(try reader.lengthPrefixed(limit: reader.remainingByteCount))
    case 7: self = .attachment(try Attachment(from: &reader))
    default: throw WireError(.unknownMandatory, "an unknown type of value")
    }
  }
}

extension Attachment {
  init(from reader: inout WireReader) throws(WireError) {
    let name = try reader.text(limit: DocumentLimits.attachmentNameByteCount)
    let byteCount = try reader.count(limit: DocumentLimits.attachmentByteCount)
    let chunkCount = Self.chunkCount(byteCount: byteCount)
    guard chunkCount <= reader.remainingByteCount / 32 else {
      throw WireError(.truncated, "an attachment of \(chunkCount) chunks")
    }
    self.name = name.isEmpty ? nil : name
    self.byteCount = byteCount
    var chunks: [ContentHash] = []
    chunks.reserveCapacity(chunkCount)
    for _ in 0..<chunkCount { chunks.append(try reader.identifier()) }
    self.chunks = chunks
  }
}
