import FieldCore
import FieldWire

/// The content of a document's entries before encryption: of changes, and, with the same layout, of deletions (no
/// operations) and returns. One record has exactly one encoding:
///
/// - version 1 (u8);
/// - document name (length-prefixed UTF-8, at most 4,096 bytes; empty for the database's own properties), which must
///   hash
///   to the header's document;
/// - Lamport clock (varint, from 1): one more than that of every entry that the author had seen of the document;
/// - count of operations (varint, at most 4,096), and as many of: kind (u8: 1 set, 2 remove), field name
///   (length-prefixed UTF-8, 1 to 1,024 bytes), and for a set the value, see ``FieldValue``. Field names are in
///   strictly
///   ascending order of their bytes;
/// - up to the end, optional parts: tag (varint) and length-prefixed bytes, tags in strictly ascending order. None is
///   defined yet; a reader skips those that it does not know.
struct ChangeRecord: Equatable {
  static let version: UInt8 = 1
  static let maximumClock: UInt64 = 1 << 62 - 1

  var name: String
  var clock: UInt64
  /// `nil` removes the field. In ascending order of the names' bytes.
  private(set) var operations: [(field: String, value: FieldValue?)]

  /// - Throws: ``DocumentError`` with `invalidName`, `invalidValue` or `tooLarge`.
  init(name: String, clock: UInt64, set: [String: FieldValue] = [:], remove: Set<String> = []) throws(DocumentError) {
    guard name.utf8.count <= DocumentLimits.nameByteCount else {
      throw DocumentError(.invalidName, "a document's name has at most \(DocumentLimits.nameByteCount) bytes")
    }
    for field in Array(set.keys) + remove where !(1...DocumentLimits.fieldNameByteCount).contains(field.utf8.count) {
      throw DocumentError(.invalidName, "a field's name has 1 to \(DocumentLimits.fieldNameByteCount) bytes")
    }
    for value in set.values { try value.validate() }
    self.name = name
    self.clock = clock
    operations = set.map { ($0.key, $0.value) }
    operations += remove.filter { set[$0] == nil }.map { ($0, nil) }
    operations.sort { $0.field.utf8.lexicographicallyPrecedes($1.field.utf8) }
    guard operations.count <= DocumentLimits.operationCount else {
      throw DocumentError(.tooLarge, "a change touches at most \(DocumentLimits.operationCount) fields")
    }
  }

  var encoded: [UInt8] {
    var writer = WireWriter(capacity: 256)
    writer.u8(Self.version)
    writer.text(name)
    writer.varint(clock)
    writer.count(operations.count)
    for (field, value) in operations {
      writer.u8(value == nil ? 2 : 1)
      writer.text(field)
      value?.encode(into: &writer)
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    guard try reader.u8() == Self.version else { throw WireError(.unknownMandatory, "a change version that is not 1") }
    name = try reader.text(limit: DocumentLimits.nameByteCount)
    clock = try reader.varint()
    guard clock > 0 else { throw WireError(.invalidValue, "a clock of zero") }
    let count = try reader.count(limit: DocumentLimits.operationCount, itemByteCount: 3)
    operations = []
    operations.reserveCapacity(count)
    for _ in 0..<count {
      let kind = try reader.u8()
      guard kind == 1 || kind == 2 else { throw WireError(.unknownMandatory, "an unknown operation") }
      let field = try reader.text(limit: DocumentLimits.fieldNameByteCount)
      guard !field.isEmpty else { throw WireError(.invalidValue, "a field without a name") }
      if let last = operations.last, !last.field.utf8.lexicographicallyPrecedes(field.utf8) {
        throw WireError(.notCanonical, "fields out of order")
      }
      operations.append((field, kind == 1 ? try FieldValue(from: &reader) : nil))
    }
    try Self.skipOptionalParts(&reader)
  }

  private static func skipOptionalParts(_ reader: inout WireReader) throws(WireError) {
    var last: UInt64?
    while !reader.isAtEnd {
      let tag = try reader.varint()
      if let last, last >= tag { throw WireError(.notCanonical, "optional parts out of order") }
      _ = try reader.lengthPrefixed(limit: reader.remainingByteCount)
      last = tag
    }
  }

  static func == (left: ChangeRecord, right: ChangeRecord) -> Bool { left.encoded == right.encoded }
}
