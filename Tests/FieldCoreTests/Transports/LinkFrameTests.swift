import FieldTesting
import FieldWire
import Testing

@Suite struct LinkFrameTests {
  /// Check sums computed with another implementation.
  static let golden: [(frame: LinkFrame, hexadecimal: String)] = [
    (
      LinkFrame(
        session: 0x5E55, sequence: 7,
        body: .open(
          LinkParameters(
            protocolVersion: 1, maximumFrameByteCount: 495, windowFrameCount: 128, maximumMessageByteCount: 4096))),
      "1100" + "5e55" + "0007" + "01" + "01ef" + "0080" + "00001000" + "81b07882"
    ),
    (
      LinkFrame(
        session: 0x5E55, sequence: 65534, flags: .retransmission,
        body: .openAcknowledgement(
          LinkParameters(
            protocolVersion: 1, maximumFrameByteCount: 20, windowFrameCount: 32, maximumMessageByteCount: 512))),
      "1210" + "5e55" + "fffe" + "01" + "0014" + "0020" + "00000200" + "eaff9b1d"
    ),
    (
      LinkFrame(
        session: 0x5E55, sequence: 1, flags: [.first, .last, .acknowledgementRequest], body: .data(Array("hello".utf8))),
      "13e0" + "5e55" + "0001" + "68656c6c6f" + "fb28ba67"
    ),
    (
      LinkFrame(session: 0x5E55, sequence: 2, flags: [.last, .retransmission], body: .data([])),
      "1350" + "5e55" + "0002" + "0649a89d"
    ),
    (
      LinkFrame(
        session: 0x5E55, sequence: 3, flags: .acknowledgementRequest,
        body: .acknowledgement(LinkAcknowledgement(bitmap: 0x8000_0000_0000_0001, creditFrameCount: 96))),
      "1420" + "5e55" + "0003" + "8000000000000001" + "0060" + "ec12c3a1"
    ),
    (LinkFrame(session: 0x5E55, sequence: 4, body: .close(.normal)), "1500" + "5e55" + "0004" + "00" + "adda0c9b"),
    (
      LinkFrame(
        session: 65535, sequence: 65535, flags: [.first, .last], stream: 3, body: .close(LinkCloseReason(rawValue: 127))
      ),
      "15c3" + "ffff" + "ffff" + "7f" + "5930bfd6"
    ),
  ]

  @Test(arguments: golden.indices) func hasTheBytesThatAreWrittenDown(index: Int) throws {
    let (frame, hexadecimal) = Self.golden[index]
    #expect(Hexadecimal.encode(frame.encoded()) == hexadecimal)
    #expect(try LinkFrame(decoding: frame.encoded()) == frame)
  }

  @Test func allButDataFitTheSmallestLink() {
    for (frame, _) in Self.golden {
      #expect(frame.encoded().count <= LinkFrame.smallestLinkByteCount)
    }
  }

  @Test(arguments: golden.indices) func aFlippedBitAnywhereIsFound(index: Int) {
    let bytes = Self.golden[index].frame.encoded()
    for place in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[place] ^= 1 << bit
        #expect(throws: WireError(.invalidValue, "")) { try LinkFrame(decoding: changed) }
      }
    }
  }

  @Test(arguments: golden.indices) func aShorterOrLongerDatagramIsRefused(index: Int) {
    let bytes = Self.golden[index].frame.encoded()
    for count in 0..<bytes.count {
      #expect(throws: WireError.self) { try LinkFrame(decoding: Array(bytes.prefix(count))) }
    }
    #expect(throws: WireError.self) { try LinkFrame(decoding: bytes + [0]) }
    #expect(throws: WireError(.limitExceeded, "")) {
      try LinkFrame(decoding: [UInt8](repeating: 0, count: LinkFrame.maximumByteCount + 1))
    }
  }

  @Test func bodiesOfAnotherLengthAreRefused() {
    for (header, code) in [
      ("110000000000" + "0101ef008000001000" + "00", WireError.Code.trailingBytes),
      ("110000000000" + "0101ef0080000010", .truncated),
      ("140000000000" + "000000000000000000", .truncated),
      ("150000000000" + "", .truncated),
      ("150000000000" + "0000", .trailingBytes),
      ("160000000000", .unknownMandatory),
      ("230000000000", .unknownMandatory),
    ] {
      #expect(throws: WireError(code, "")) { try LinkFrame(decoding: try checked(header)) }
    }
  }

  /// Whatever passes the check sum is read without a trap, and has one encoding only.
  @Test func randomContentWithAValidCheckSumIsCanonicalOrRefused() throws {
    var random = SeededRandom(seed: 99)
    var acceptedCount = 0
    for _ in 0..<20_000 {
      var content = random.bytes(Int(random.next() % 32))
      if !content.isEmpty { content[0] = 0x10 | UInt8(random.next() % 7) }
      let bytes = withCheckSum(content)
      guard let frame = try? LinkFrame(decoding: bytes) else { continue }
      acceptedCount += 1
      #expect(frame.encoded() == bytes)
    }
    #expect(acceptedCount > 1000)
  }

  private func checked(_ hexadecimal: String) throws -> [UInt8] {
    withCheckSum(try #require(Hexadecimal.decode(hexadecimal)))
  }

  private func withCheckSum(_ content: [UInt8]) -> [UInt8] {
    var writer = WireWriter()
    writer.raw(content)
    writer.u32(CRC32C.checksum(content))
    return writer.bytes
  }
}
