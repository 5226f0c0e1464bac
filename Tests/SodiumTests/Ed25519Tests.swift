import Sodium
import Testing

@Suite struct Ed25519Tests {
  /// RFC 8032 section 7.1, tests 1 to 3.
  static let vectors = [
    (
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
      signature: """
      e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
      d25bf5f0595bbe24655141438e7a100b
      """
    ),
    (
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
      signature: """
      92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c
      387b2eaeb4302aeeb00d291612bb0c00
      """
    ),
    (
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
      signature: """
      6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659
      4a7c15e9716ed28dc027beceea1ec40a
      """
    ),
  ]

  @Test(arguments: vectors) func rfc8032(seed: String, publicKey: String, message: String, signature: String) throws {
    let seed = SecretBytes(copying: hex(seed))
    let keyPair = try SigningKeyPair(seed: seed)
    #expect(keyPair.publicKey == hex(publicKey))
    #expect(keyPair.seed == seed)
    #expect(keyPair.sign(hex(message)) == hex(signature))
    #expect(Ed25519.isValid(signature: hex(signature), message: hex(message), publicKey: hex(publicKey)))
  }

  @Test func anyChangedByteInvalidates() {
    let keyPair = SigningKeyPair()
    let message: [UInt8] = [1, 2, 3]
    let signature = keyPair.sign(message)
    for index in signature.indices {
      var changed = signature
      changed[index] ^= 1
      #expect(!Ed25519.isValid(signature: changed, message: message, publicKey: keyPair.publicKey))
    }
    for index in keyPair.publicKey.indices {
      var changed = keyPair.publicKey
      changed[index] ^= 1
      #expect(!Ed25519.isValid(signature: signature, message: message, publicKey: changed))
    }
    for index in message.indices {
      var changed = message
      changed[index] ^= 1
      #expect(!Ed25519.isValid(signature: signature, message: changed, publicKey: keyPair.publicKey))
    }
    #expect(!Ed25519.isValid(signature: signature, message: message, publicKey: SigningKeyPair().publicKey))
  }

  @Test func wrongLengthsAreNotValid() {
    let keyPair = SigningKeyPair()
    let signature = keyPair.sign([])
    for count in 0...80 where count != 64 {
      let wrong = Array((signature + signature).prefix(count))
      #expect(!Ed25519.isValid(signature: wrong, message: [], publicKey: keyPair.publicKey))
    }
    for count in 0...40 where count != 32 {
      let wrong = Array((keyPair.publicKey + keyPair.publicKey).prefix(count))
      #expect(!Ed25519.isValid(signature: signature, message: [], publicKey: wrong))
    }
  }

  @Test func theAllZeroKeySignsNothing() {
    let zero = [UInt8](repeating: 0, count: 32)
    #expect(!Ed25519.isValid(signature: zero + zero, message: [], publicKey: zero))
  }

  @Test func aSeedOfAnotherLengthIsRefused() {
    for count in [0, 31, 33, 64] {
      let error = #expect(throws: SodiumError.self) {
        try SigningKeyPair(seed: SecretBytes(copying: [UInt8](repeating: 1, count: count)))
      }
      #expect(error?.code == .invalidLength)
    }
  }
}
