import FieldCore
import FieldWire
import Testing

@testable import FieldDocuments

struct ChangeRecordTests {
  private static func sample() throws -> ChangeRecord {
    let attachment = try #require(Attachment(name: "a.bin", byteCount: 65_536, chunks: [.zero, .zero]))
    return try ChangeRecord(
      name: "doc", clock: 300,
      set: [
        "null": .null, "no": .bool(false), "yes": .bool(true), "integer": .integer(-2), "double": .double(1.5),
        "text": .text("grüße"), "bytes": .bytes([0, 255]), "file": .attachment(attachment),
      ], remove: ["gone", "yes"])
  }

  @Test func layoutIsTheDocumentedOne() throws {
    let record = try ChangeRecord(name: "d", clock: 5, set: ["b": .integer(1), "a": .text("x")], remove: ["c"])
    #expect(
      Hexadecimal.encode(record.encoded) == "01" + "0164" + "05" + "03" + "010161" + "050178" + "010162"
        + "030000000000000001" + "020163")
  }

  @Test func decodesWhatItEncodes() throws {
    let record = try Self.sample()
    let decoded = try ChangeRecord(decoding: record.encoded)
    #expect(decoded == record)
    #expect(decoded.operations.count == 9)
    #expect(decoded.operations.first { $0.field == "yes" }?.value == .bool(true))
  }

  @Test func everyPrefixAndEveryChangedByteIsAnswered() throws {
    let bytes = try Self.sample().encoded
    for count in bytes.indices {
      #expect(throws: WireError.self) { try ChangeRecord(decoding: Array(bytes[..<count])) }
    }
    for index in bytes.indices {
      for value in [0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xFF] as [UInt8] where bytes[index] != value {
        var changed = bytes
        changed[index] = value
        // What is accepted has one encoding: its own.
        if let decoded = try? ChangeRecord(decoding: changed) { #expect(decoded.encoded == changed) }
      }
    }
  }

  @Test func unknownOptionalPartsAreSkipped() throws {
    let record = try ChangeRecord(name: "d", clock: 1, set: ["a": .null])
    #expect(try ChangeRecord(decoding: record.encoded + [5, 2, 1, 1] + [9, 0]) == record)
    #expect(throws: WireError(.notCanonical, "")) {
      try ChangeRecord(decoding: record.encoded + [9, 0] + [5, 0])
    }
    #expect(throws: WireError(.truncated, "")) { try ChangeRecord(decoding: record.encoded + [5, 2, 1]) }
  }

  @Test(arguments: [
    ("a version that is not 1", "02016401" + "00", WireError.Code.unknownMandatory),
    ("a clock of zero", "01016400" + "00", .invalidValue),
    ("a name over the limit", "01" + "5001" + "00", .limitExceeded),
    ("more operations than bytes", "0101640105", .truncated),
    ("too many operations", "01016401" + "5001", .limitExceeded),
    ("an unknown operation", "0101640101" + "03016100", .unknownMandatory),
    ("an unknown type of value", "0101640101" + "01016108", .unknownMandatory),
    ("a field without a name", "0101640101" + "010000", .invalidValue),
    ("fields out of order", "0101640102" + "02016202016100", .notCanonical),
    ("the same field twice", "0101640102" + "02016102016100", .notCanonical),
    ("a number that is not finite", "0101640101" + "010161047ff0000000000000", .invalidValue),
    ("an attachment over the limit", "0101640101" + "0101610700c000000080000000", .limitExceeded),
    ("an attachment without its chunks", "0101640101" + "010161070041", .truncated),
  ])
  func brokenRecordsAreRefused(_ broken: (what: String, hexadecimal: String, code: WireError.Code)) throws {
    let bytes = try #require(Hexadecimal.decode(broken.hexadecimal))
    #expect(throws: WireError(broken.code, ""), "\(broken.what)") { try ChangeRecord(decoding: bytes) }
  }

  @Test func limitsHoldOnWriting() {
    let long = String(repeating: "n", count: DocumentLimits.nameByteCount + 1)
    #expect(throws: DocumentError(.invalidName, "")) { try ChangeRecord(name: long, clock: 1) }
    #expect(throws: DocumentError(.invalidName, "")) { try ChangeRecord(name: "d", clock: 1, set: ["": .null]) }
    #expect(throws: DocumentError(.invalidName, "")) {
      try ChangeRecord(name: "d", clock: 1, remove: [String(repeating: "f", count: 1025)])
    }
    #expect(throws: DocumentError(.invalidValue, "")) {
      try ChangeRecord(name: "d", clock: 1, set: ["f": .double(.infinity)])
    }
    let many = Set((0...DocumentLimits.operationCount).map { "f\($0)" })
    #expect(throws: DocumentError(.tooLarge, "")) { try ChangeRecord(name: "d", clock: 1, remove: many) }
  }
}
