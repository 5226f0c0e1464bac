import FieldTesting
import FieldWire
import Testing

@Suite struct WireReaderTests {
  /// RFC 9000, appendix A.1, and the edges of each form.
  static let varints: [(value: UInt64, bytes: [UInt8])] = [
    (0, [0]), (37, [0x25]), (63, [0x3F]), (64, [0x40, 0x40]), (15_293, [0x7B, 0xBD]), (16_383, [0x7F, 0xFF]),
    (16_384, [0x80, 0x00, 0x40, 0x00]), (494_878_333, [0x9D, 0x7F, 0x3E, 0x7D]),
    ((1 << 30) - 1, [0xBF, 0xFF, 0xFF, 0xFF]), (1 << 30, [0xC0, 0, 0, 0, 0x40, 0, 0, 0]),
    (151_288_809_941_952_652, [0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C]),
    ((1 << 62) - 1, [UInt8](repeating: 0xFF, count: 8)),
  ]

  @Test(arguments: varints)
  func variableLengthIntegersAreThoseOfTheRFC(_ value: UInt64, _ bytes: [UInt8]) throws {
    var writer = WireWriter()
    writer.varint(value)
    #expect(writer.bytes == bytes)
    var reader = WireReader(bytes)
    #expect(try reader.varint() == value)
    #expect(reader.isAtEnd)
    for length in 0..<bytes.count {
      var cut = WireReader(bytes.prefix(length))
      #expect(throws: WireError(.truncated, "")) { try cut.varint() }
    }
  }

  /// The same value in every longer form.
  @Test(arguments: varints)
  func onlyTheShortestFormIsRead(_ value: UInt64, _ bytes: [UInt8]) {
    for form in 1...3 where 1 << form > bytes.count {
      let count = 1 << form
      let longer = (0..<count).map { index in
        UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - index))) | (index == 0 ? UInt8(form << 6) : 0)
      }
      var reader = WireReader(longer)
      #expect(throws: WireError(.notCanonical, "")) { try reader.varint() }
    }
  }

  @Test func everyShortVarintHasOneMeaning() throws {
    for first in 0...UInt8.max {
      for second in 0...UInt8.max {
        var reader = WireReader([first, second])
        guard let value = try? reader.varint() else { continue }
        var writer = WireWriter()
        writer.varint(value)
        #expect(writer.bytes == Array([first, second].prefix(reader.offset)))
      }
    }
  }

  @Test func everyKindOfValueComesBack() throws {
    let text = "Grüße \u{1F30D}"
    var writer = WireWriter(capacity: 10)
    writer.u8(0xFE)
    writer.u16(0xFEDC)
    writer.u32(0xFEDC_BA98)
    writer.u64(0xFEDC_BA98_7654_3210)
    writer.count(300)
    writer.lengthPrefixed([1, 2, 3])
    writer.lengthPrefixed([])
    writer.text(text)
    writer.identifier(Identifier16<Never>(words: (1, 2)))
    writer.identifier(Identifier32<Never>(words: (1, 2, 3, 4)))
    writer.raw([7, 8, 9][1...])
    writer.raw([5])

    func read(_ reader: inout WireReader) throws {
      #expect(try reader.u8() == 0xFE)
      #expect(try reader.u16() == 0xFEDC)
      #expect(try reader.u32() == 0xFEDC_BA98)
      #expect(try reader.u64() == 0xFEDC_BA98_7654_3210)
      #expect(try reader.count(limit: 300) == 300)
      #expect(try reader.lengthPrefixed(limit: 3) == [1, 2, 3])
      #expect(try reader.lengthPrefixed(limit: 0) == [])
      #expect(try reader.text(limit: 40) == text)
      #expect(try reader.identifier() == Identifier16<Never>(words: (1, 2)))
      #expect(try reader.identifier() == Identifier32<Never>(words: (1, 2, 3, 4)))
      #expect(try reader.raw(2) == [8, 9])
      let partly = reader
      #expect(throws: WireError(.trailingBytes, "")) { try partly.expectEnd() }
      #expect(reader.rest() == [5])
      try reader.expectEnd()
    }
    var whole = WireReader(writer.bytes)
    try read(&whole)
    var slice = WireReader(([0, 0] + writer.bytes)[2...])
    try read(&slice)
  }

  @Test func lengthsAreHeldToLimitAndBytes() {
    func expect(_ code: WireError.Code, _ bytes: [UInt8], _ read: (inout WireReader) throws -> Void) {
      var reader = WireReader(bytes)
      #expect(throws: WireError(code, "")) { try read(&reader) }
    }
    expect(.limitExceeded, [5]) { _ = try $0.count(limit: 4) }
    expect(.limitExceeded, [5]) { _ = try $0.count(limit: 0) }
    expect(.limitExceeded, [5]) { _ = try $0.count(limit: -1) }
    expect(.limitExceeded, [UInt8](repeating: 0xFF, count: 8)) { _ = try $0.lengthPrefixed(limit: 1 << 30) }
    expect(.truncated, [UInt8](repeating: 0xFF, count: 8)) { _ = try $0.lengthPrefixed(limit: .max) }
    expect(.truncated, [5, 1, 2]) { _ = try $0.lengthPrefixed(limit: 9) }
    expect(.truncated, [3, 0, 0, 0, 0, 0]) { _ = try $0.count(limit: 9, itemByteCount: 2) }
    expect(.truncated, [UInt8](repeating: 0xFF, count: 8)) { _ = try $0.count(limit: .max, itemByteCount: 1 << 40) }
    expect(.truncated, [1, 2]) { _ = try $0.raw(-1) }
    expect(.truncated, [1, 2]) { _ = try $0.raw(.max) }
    expect(.truncated, []) { _ = try $0.u8() }
    expect(.truncated, [1]) { _ = try $0.u16() }
    expect(.truncated, [1, 2, 3]) { _ = try $0.u32() }
    expect(.truncated, [1, 2, 3, 4, 5, 6, 7]) { _ = try $0.u64() }
    expect(.truncated, [UInt8](repeating: 1, count: 15)) { _ = try $0.identifier(Identifier16<Never>.self) }
    expect(.truncated, [UInt8](repeating: 1, count: 31)) { _ = try $0.identifier(Identifier32<Never>.self) }
    expect(.invalidValue, [2, 0xC3, 0x28]) { _ = try $0.text(limit: 9) }
    expect(.invalidValue, [1, 0xC3]) { _ = try $0.text(limit: 9) }
  }

  @Test func aFailedReadTakesNothing() throws {
    var reader = WireReader([1, 2, 3])
    #expect(throws: WireError(.truncated, "")) { try reader.u32() }
    #expect(throws: WireError(.truncated, "")) { try reader.identifier(Identifier16<Never>.self) }
    #expect(reader.remainingByteCount == 3 && reader.offset == 0)
    #expect(try reader.raw(3) == [1, 2, 3])
  }

  /// Any calls on any bytes: no trap, and never more bytes than there are.
  @Test func anySequenceOfReadsIsSafe() {
    var random = SeededRandom(seed: 11)
    var bytesRead = 0
    for _ in 0..<40_000 {
      let bytes = random.bytes(Int.random(in: 0...24, using: &random))
      var reader = WireReader(bytes)
      for _ in 0..<6 {
        let before = reader.remainingByteCount
        switch Int.random(in: 0..<11, using: &random) {
        case 0: _ = try? reader.u8()
        case 1: _ = try? reader.u16()
        case 2: _ = try? reader.u32()
        case 3: _ = try? reader.u64()
        case 4: _ = try? reader.varint()
        case 5: _ = try? reader.count(limit: Int.random(in: Int.min...Int.max, using: &random))
        case 6: _ = try? reader.count(limit: .max, itemByteCount: Int.random(in: Int.min...Int.max, using: &random))
        case 7: _ = try? reader.raw(Int.random(in: -3...9, using: &random))
        case 8: _ = try? reader.lengthPrefixed(limit: Int.random(in: 0...70_000, using: &random))
        case 9: _ = try? reader.text(limit: 99)
        default: _ = try? reader.identifier(Identifier16<Never>.self)
        }
        bytesRead += before - reader.remainingByteCount
        #expect((0...before).contains(reader.remainingByteCount))
      }
    }
    #expect(bytesRead > 100_000)
  }
}
