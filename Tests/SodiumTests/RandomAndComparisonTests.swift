import Sodium
import Testing

@Suite struct RandomAndComparisonTests {
  @Test func theLibraryStarts() throws {
    try SodiumLibrary.start()
    try SodiumLibrary.start()
  }

  @Test func randomBytesHaveTheirLengthAndDiffer() {
    for count in [0, 1, 24, 1000] { #expect(SystemRandom.bytes(count).count == count) }
    #expect(SystemRandom.bytes(32) != SystemRandom.bytes(32))
    #expect(Set(SystemRandom.bytes(10_000)).count == 256)
  }

  @Test func theGeneratorServesTheStandardLibrary() {
    var random = SystemRandom()
    let drawn = Set((0..<200).map { _ in Int.random(in: 0..<4, using: &random) })
    #expect(drawn == [0, 1, 2, 3])
  }

  @Test func constantTimeEqualityIsOfLengthAndBytes() {
    #expect(ConstantTime.equal([], []))
    #expect(ConstantTime.equal([1, 2], [1, 2]))
    #expect(!ConstantTime.equal([1, 2], [1, 3]))
    #expect(!ConstantTime.equal([1, 2], [1, 2, 3]))
    #expect(!ConstantTime.equal([], [0]))
  }

  @Test func errorsAreEqualByCode() {
    let first = #expect(throws: SodiumError.self) {
      try XChaCha20Poly1305.open([], nonce: [], key: .random(byteCount: 32))
    }
    let second = #expect(throws: SodiumError.self) { try AgreementKeyPair().sharedSecret(with: []) }
    #expect(first == second)
    #expect(first?.reason != second?.reason)
    #expect(first?.description == "invalidLength: nonce: 0 bytes, not 24")
  }
}
