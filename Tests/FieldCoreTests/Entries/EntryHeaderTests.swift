import FieldCore
import FieldWire
import StoreFixtures
import Testing

@Suite struct EntryHeaderTests {
  private let valid = EntryHeader(
    kind: .documentChange, database: .number(1), document: .number(2), author: .number(3), sequence: 4,
    previous: .number(5), keyEpoch: 6, contentHash: .number(7), payloadByteCount: 8,
    dependencies: [.number(9), .number(10)])

  private func decode(_ bytes: [UInt8]) throws -> EntryHeader {
    var reader = WireReader(bytes)
    let header = try EntryHeader(from: &reader)
    try reader.expectEnd()
    return header
  }

  @Test func theLayoutIsThatOfTheTable() throws {
    let bytes = valid.encoded
    #expect(bytes.count == EntryLimits.fixedHeaderByteCount + 2 * 32 && bytes.count == valid.encodedByteCount)
    #expect(bytes[0] == 1 && bytes[1] == EntryKind.documentChange.rawValue)
    #expect(Array(bytes[2..<18]) == valid.database.bytes)
    #expect(Array(bytes[18..<34]) == valid.document.bytes)
    #expect(Array(bytes[34..<66]) == valid.author.bytes)
    #expect(Array(bytes[66..<74]) == [0, 0, 0, 0, 0, 0, 0, 4])
    #expect(Array(bytes[74..<106]) == valid.previous.bytes)
    #expect(Array(bytes[106..<110]) == [0, 0, 0, 6])
    #expect(Array(bytes[110..<142]) == valid.contentHash.bytes)
    #expect(Array(bytes[142..<146]) == [0, 0, 0, 8])
    #expect(bytes[146] == 2)
    #expect(Array(bytes[147...]) == EntryID.number(9).bytes + EntryID.number(10).bytes)
    #expect(try decode(bytes) == valid)
  }

  /// Each rule between fields, broken alone.
  @Test func brokenRulesAreRefused() {
    let breaks: [(code: WireError.Code, change: (inout EntryHeader) -> Void)] = [
      (.invalidValue, { $0.sequence = 0 }),
      (.invalidValue, { $0.sequence = 1 }),
      (.invalidValue, { $0.previous = .zero }),
      (.invalidValue, { $0.keyEpoch = 0 }),
      (.invalidValue, { $0.document = .zero }),
      (.invalidValue, { $0.database = Directory.database }),
      (.invalidValue, { $0.kind = .blobChunk }),
      (.invalidValue, { $0.kind = .directory }),
      (
        .invalidValue,
        {
          $0.kind = .directory
          $0.keyEpoch = 0
          $0.document = .zero
        }
      ),
      (.limitExceeded, { $0.payloadByteCount = UInt32(EntryLimits.payloadByteCount) + 1 }),
      (.limitExceeded, { $0.payloadByteCount = .max }),
      (.notCanonical, { $0.dependencies = [.number(10), .number(9)] }),
      (.notCanonical, { $0.dependencies = [.number(9), .number(9)] }),
      (.limitExceeded, { $0.dependencies = (0...UInt64(EntryLimits.dependencyCount)).map { .number($0) } }),
    ]
    for (index, (code, change)) in breaks.enumerated() {
      var changed = valid
      change(&changed)
      let header = changed
      #expect(throws: WireError(code, ""), "rule \(index)") { try header.validate() }
      #expect(throws: WireError(code, ""), "rule \(index)") { try decode(header.encoded) }
    }
  }

  @Test func theEdgesOfTheRulesAreTaken() throws {
    var header = valid
    header.payloadByteCount = UInt32(EntryLimits.payloadByteCount)
    header.dependencies = (1...UInt64(EntryLimits.dependencyCount)).map { .number($0) }
    header.sequence = .max
    header.keyEpoch = .max
    #expect(try decode(header.encoded) == header)
    header.sequence = 1
    header.previous = .zero
    header.dependencies = []
    header.payloadByteCount = 0
    #expect(try decode(header.encoded) == header)
  }

  @Test func unknownVersionsAndKindsAreMandatory() {
    for (place, value) in [(0, UInt8(0)), (0, 2), (1, 0), (1, 7), (1, 255)] {
      var bytes = valid.encoded
      bytes[place] = value
      #expect(throws: WireError(.unknownMandatory, "")) { try decode(bytes) }
    }
  }

  @Test func theIDSaysEverything() throws {
    let id = valid.id(in: .number(1))
    #expect(id == valid.id(in: .number(1)))
    #expect(id != valid.id(in: .number(2)))
    var ids: Set<EntryID> = [id]
    let changes: [(inout EntryHeader) -> Void] = [
      { $0.kind = .delete }, { $0.database = .number(99) }, { $0.document = .number(99) }, { $0.author = .number(99) },
      { $0.sequence = 99 }, { $0.previous = .number(99) }, { $0.keyEpoch = 99 }, { $0.contentHash = .number(99) },
      { $0.payloadByteCount = 99 }, { $0.dependencies = [.number(9)] },
    ]
    for change in changes {
      var header = valid
      change(&header)
      ids.insert(header.id(in: .number(1)))
    }
    #expect(ids.count == changes.count + 1)
  }

  @Test func aChainEndsBeforeItsNumbersDo() throws {
    let workspace = try TestWorkspace()
    let last = ChainLink(sequence: .max, id: .number(1))
    #expect(throws: EntryError(.malformed, "")) {
      try EntryDraft.text("one more").sign(with: workspace.founder, following: last, in: workspace.id)
    }
  }
}
