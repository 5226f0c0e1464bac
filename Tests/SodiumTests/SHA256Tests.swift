import Sodium
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4 examples.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedVectors(message: String, digest: String) {
    #expect(SHA256.hash(Array(message.utf8)) == hex(digest))
  }

  @Test(arguments: [0, 1, 63, 64, 65, 300]) func piecesEqualTheWhole(firstPiece: Int) {
    let input = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
    var hash = SHA256()
    hash.update(input[..<firstPiece])
    hash.update(Array(input[firstPiece...]))
    #expect(hash.finalize() == SHA256.hash(input))
  }

  @Test func aCopyHashesOnItsOwn() {
    var first = SHA256()
    first.update([1])
    var second = first
    first.update([2])
    second.update([3])
    #expect(first.finalize() == SHA256.hash([1, 2]))
    #expect(second.finalize() == SHA256.hash([1, 3]))
  }
}
