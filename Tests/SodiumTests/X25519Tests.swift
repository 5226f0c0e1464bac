import Sodium
import Testing

@Suite struct X25519Tests {
  /// RFC 7748 section 6.1.
  @Test func rfc7748() throws {
    let alice = try keyPair("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    let bob = try keyPair("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    #expect(alice.publicKey == hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
    #expect(bob.publicKey == hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
    let shared = SecretBytes(copying: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"))
    #expect(try alice.sharedSecret(with: bob.publicKey) == shared)
    #expect(try bob.sharedSecret(with: alice.publicKey) == shared)
  }

  @Test func randomPairsAgree() throws {
    let alice = AgreementKeyPair()
    let bob = AgreementKeyPair()
    #expect(try alice.sharedSecret(with: bob.publicKey) == bob.sharedSecret(with: alice.publicKey))
    #expect(try AgreementKeyPair(secret: alice.secret).publicKey == alice.publicKey)
  }

  /// Points of order 1, 2, 4 and 8, and the same ones not reduced modulo the field's prime.
  @Test(arguments: [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ])
  func keysOfLowOrderAreRefused(publicKey: String) {
    let error = #expect(throws: SodiumError.self) { try AgreementKeyPair().sharedSecret(with: hex(publicKey)) }
    #expect(error?.code == .weakKey)
  }

  @Test func otherLengthsAreRefused() {
    for count in [0, 31, 33] {
      let wrong = [UInt8](repeating: 9, count: count)
      let publicError = #expect(throws: SodiumError.self) { try AgreementKeyPair().sharedSecret(with: wrong) }
      #expect(publicError?.code == .invalidLength)
      let secretError = #expect(throws: SodiumError.self) { try AgreementKeyPair(secret: SecretBytes(copying: wrong)) }
      #expect(secretError?.code == .invalidLength)
    }
  }

  private func keyPair(_ secret: String) throws -> AgreementKeyPair {
    try AgreementKeyPair(secret: SecretBytes(copying: hex(secret)))
  }
}
