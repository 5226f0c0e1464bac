import FieldTesting
import FieldWire
import Testing

@Suite struct IdentifierTests {
  @Test func identifiersAreTheirBytes() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<500 {
      let (short, long) = (random.bytes(16), random.bytes(32))
      #expect(Identifier16<Never>(short)?.bytes == short)
      #expect(Identifier32<Never>(long)?.bytes == long)
      #expect(Identifier32<Never>(long)?.description == Hexadecimal.encode(long))
      #expect(Identifier16<Never>(short)?.description == Hexadecimal.encode(short))
    }
    #expect(Identifier16<Never>.zero.bytes == [UInt8](repeating: 0, count: 16))
    #expect(Identifier32<Never>.zero.bytes == [UInt8](repeating: 0, count: 32))
  }

  @Test(arguments: [0, 1, 15, 17, 31, 33, 64])
  func otherLengthsAreNone(_ count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    #expect(Identifier16<Never>(bytes) == nil)
    #expect(Identifier32<Never>(bytes) == nil)
  }

  @Test func theOrderIsThatOfTheBytes() throws {
    var random = SeededRandom(seed: 4)
    for _ in 0..<2000 {
      // Often equal up to some byte, so that each word decides at times.
      let left = random.bytes(32)
      let right = left.prefix(Int.random(in: 0...32, using: &random)) + random.bytes(32)
      let other = Array(right.prefix(32))
      let isLess = left.lexicographicallyPrecedes(other)
      #expect((try #require(Identifier32<Never>(left)) < (try #require(Identifier32<Never>(other)))) == isLess)
      let (short, otherShort) = (Array(left.prefix(16)), Array(other.prefix(16)))
      #expect(
        (try #require(Identifier16<Never>(short)) < (try #require(Identifier16<Never>(otherShort))))
          == short.lexicographicallyPrecedes(otherShort))
    }
  }
}
