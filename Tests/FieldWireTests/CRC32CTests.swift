import FieldWire
import Testing

@Suite struct CRC32CTests {
  /// RFC 3720 appendix B.4, whose bytes are those of the little-endian words here, and the check value of the
  /// catalogues.
  @Test func checksumsAreThoseOfTheRFC() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(UInt8(0)..<32) == 0x46DD_794E)
    #expect(CRC32C.checksum((UInt8(0)..<32).reversed()) == 0x113F_DB5C)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
  }

  @Test func everyFlippedBitShows() {
    let bytes = Array("the quick brown fox".utf8)
    let checksum = CRC32C.checksum(bytes)
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(CRC32C.checksum(flipped) != checksum)
    }
  }
}
