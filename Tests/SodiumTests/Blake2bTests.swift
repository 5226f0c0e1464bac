import Sodium
import Testing

@Suite struct Blake2bTests {
  @Test func rfc7693AppendixA() {
    let expected = hex(
      """
      ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1
      7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923
      """)
    #expect(Blake2b.hash(Array("abc".utf8), byteCount: 64) == expected)
  }

  /// Appendix E: one digest over the digests of many input lengths and digest lengths, keyed and not.
  @Test func rfc7693AppendixE() {
    func generated(_ count: Int, seed: UInt32) -> [UInt8] {
      var a: UInt32 = 0xDEAD_4BAD &* seed
      var b: UInt32 = 1
      return (0..<count).map { _ in
        let t = a &+ b
        a = b
        b = t
        return UInt8(truncatingIfNeeded: t >> 24)
      }
    }
    var total = Blake2b()
    for digestByteCount in [20, 32, 48, 64] {
      for inputByteCount in [0, 3, 128, 129, 255, 1024] {
        let input = generated(inputByteCount, seed: UInt32(inputByteCount))
        let key = generated(digestByteCount, seed: UInt32(digestByteCount))
        total.update(Blake2b.hash(input, byteCount: digestByteCount))
        let keyed = Blake2b.hash(input, byteCount: digestByteCount, key: key)
        total.update(keyed)
        #expect(Blake2b.hash(input, byteCount: digestByteCount, key: SecretBytes(copying: key)) == keyed)
      }
    }
    #expect(total.finalize() == hex("c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475"))
  }

  @Test(arguments: [0, 1, 127, 128, 129, 1000]) func piecesEqualTheWhole(firstPiece: Int) {
    let input = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let key = sequence(0, through: 31)
    let secret = SecretBytes(copying: key)
    var plain = Blake2b()
    var keyed = Blake2b(byteCount: 24, key: secret)
    plain.update(input[..<firstPiece])
    keyed.update(Array(input[..<firstPiece]))
    input[firstPiece...].withUnsafeBytes { plain.update($0) }
    keyed.update(input[firstPiece...])
    #expect(plain.finalize() == Blake2b.hash(input))
    #expect(keyed.finalize() == Blake2b.hash(input, byteCount: 24, key: key))
  }

  @Test func aCopyHashesOnItsOwn() {
    var first = Blake2b()
    first.update([1])
    var second = first
    first.update([2])
    second.update([3])
    #expect(first.finalize() == Blake2b.hash([1, 2]))
    #expect(second.finalize() == Blake2b.hash([1, 3]))
    #expect(first.finalize() == Blake2b.hash([1, 2]), "asking for the digest changes nothing")
    first.update([4])
    #expect(first.finalize() == Blake2b.hash([1, 2, 4]))
  }

  @Test func wrongLengthsTrap() async {
    await #expect(processExitsWith: .failure) { _ = Blake2b.hash([], byteCount: 15) }
    await #expect(processExitsWith: .failure) { _ = Blake2b(byteCount: 65) }
    await #expect(processExitsWith: .failure) { _ = Blake2b(key: [UInt8](repeating: 0, count: 65)) }
  }
}
