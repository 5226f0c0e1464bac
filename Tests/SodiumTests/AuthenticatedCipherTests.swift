import Sodium
import Testing

@Suite struct AuthenticatedCipherTests {
  /// Both ciphers by the same four answers, so that every test runs on both.
  struct Cipher: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let nonceByteCount: Int
    let seal: @Sendable (ArraySlice<UInt8>, [UInt8], [UInt8], SecretBytes) throws(SodiumError) -> [UInt8]
    let open: @Sendable (ArraySlice<UInt8>, [UInt8], [UInt8], SecretBytes) throws(SodiumError) -> [UInt8]
  }

  static let ciphers = [
    Cipher(
      testDescription: "XChaCha20-Poly1305", nonceByteCount: 24,
      seal: { bytes, nonce, additionalData, key throws(SodiumError) in
        try XChaCha20Poly1305.seal(bytes, nonce: nonce, additionalData: additionalData, key: key)
      },
      open: { bytes, nonce, additionalData, key throws(SodiumError) in
        try XChaCha20Poly1305.open(bytes, nonce: nonce, additionalData: additionalData, key: key)
      }),
    Cipher(
      testDescription: "ChaCha20-Poly1305", nonceByteCount: 12,
      seal: { bytes, nonce, additionalData, key throws(SodiumError) in
        try ChaCha20Poly1305.seal(bytes, nonce: nonce, additionalData: additionalData, key: key)
      },
      open: { bytes, nonce, additionalData, key throws(SodiumError) in
        try ChaCha20Poly1305.open(bytes, nonce: nonce, additionalData: additionalData, key: key)
      }),
  ]

  static let sunscreen = Array(
    """
    Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.
    """.utf8)
  static let key = SecretBytes(copying: sequence(0x80, through: 0x9f))
  static let additionalData = hex("50515253c0c1c2c3c4c5c6c7")

  @Test func rfc8439Section2_8_2() throws {
    let sealed = hex(
      """
      d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
      1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b6116
      1ae10b594f09e26a7e902ecbd0600691
      """)
    let nonce = hex("070000004041424344454647")
    #expect(
      try ChaCha20Poly1305.seal(Self.sunscreen, nonce: nonce, additionalData: Self.additionalData, key: Self.key)
        == sealed)
    #expect(
      try ChaCha20Poly1305.open(sealed, nonce: nonce, additionalData: Self.additionalData, key: Self.key)
        == Self.sunscreen)
  }

  /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
  @Test func xChaChaDraft() throws {
    let sealed = hex(
      """
      bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39
      ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
      21f9664c97637da9768812f615c68b13b52e
      c0875924c1c7987947deafd8780acf49
      """)
    let nonce = sequence(0x40, through: 0x57)
    #expect(
      try XChaCha20Poly1305.seal(Self.sunscreen, nonce: nonce, additionalData: Self.additionalData, key: Self.key)
        == sealed)
    #expect(
      try XChaCha20Poly1305.open(sealed, nonce: nonce, additionalData: Self.additionalData, key: Self.key)
        == Self.sunscreen)
  }

  @Test(arguments: ciphers) func everyKindOfInputGivesTheSame(cipher: Cipher) throws {
    let nonce = [UInt8](repeating: 1, count: cipher.nonceByteCount)
    let whole = [0xff] + Self.sunscreen + [0xff]
    let sealed = try cipher.seal(Self.sunscreen[...], nonce, [], Self.key)
    #expect(try cipher.seal(whole.dropFirst().dropLast(), nonce, [], Self.key) == sealed)
    let padded = [0xff] + sealed + [0xff]
    #expect(try cipher.open(padded.dropFirst().dropLast(), nonce, [], Self.key) == Self.sunscreen)
    let empty = try cipher.seal([], nonce, [], Self.key)
    #expect(empty.count == 16)
    #expect(try cipher.open(empty[...], nonce, [], Self.key) == [])
  }

  @Test func buffersAndLazyCollectionsAreTaken() throws {
    let nonce = [UInt8](repeating: 1, count: 24)
    let sealed = try XChaCha20Poly1305.seal(Self.sunscreen, nonce: nonce, key: Self.key)
    let fromBuffer = try Self.sunscreen.withUnsafeBytes { try XChaCha20Poly1305.seal($0, nonce: nonce, key: Self.key) }
    #expect(fromBuffer == sealed)
    let fromLazy = try XChaCha20Poly1305.open(sealed.lazy.map { $0 }, nonce: nonce, key: Self.key)
    #expect(fromLazy == Self.sunscreen)
  }

  @Test(arguments: ciphers) func anyChangeIsRefused(cipher: Cipher) throws {
    let nonce = [UInt8](repeating: 1, count: cipher.nonceByteCount)
    let additionalData: [UInt8] = [5, 6, 7]
    let sealed = try cipher.seal([1, 2, 3, 4], nonce, additionalData, Self.key)
    func refused(_ sealed: some Collection<UInt8>, _ nonce: [UInt8], _ additionalData: [UInt8], _ key: SecretBytes) {
      let error = #expect(throws: SodiumError.self) {
        try cipher.open(Array(sealed)[...], nonce, additionalData, key)
      }
      #expect(error?.code == .authenticationFailed)
    }
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 0x80
      refused(changed, nonce, additionalData, Self.key)
      refused(sealed.prefix(index), nonce, additionalData, Self.key)
    }
    for index in nonce.indices {
      var changed = nonce
      changed[index] ^= 1
      refused(sealed, changed, additionalData, Self.key)
    }
    for index in additionalData.indices {
      var changed = additionalData
      changed[index] ^= 1
      refused(sealed, nonce, changed, Self.key)
    }
    refused(sealed + [0], nonce, additionalData, Self.key)
    refused(sealed, nonce, [], Self.key)
    refused(sealed, nonce, additionalData, .random(byteCount: 32))
  }

  @Test(arguments: ciphers) func wrongLengthsAreRefused(cipher: Cipher) {
    let nonce = [UInt8](repeating: 1, count: cipher.nonceByteCount)
    func refused(_ nonce: [UInt8], _ key: SecretBytes) {
      let sealError = #expect(throws: SodiumError.self) { try cipher.seal([1], nonce, [], key) }
      let openError = #expect(throws: SodiumError.self) {
        try cipher.open([UInt8](repeating: 0, count: 20)[...], nonce, [], key)
      }
      #expect(sealError?.code == .invalidLength && openError?.code == .invalidLength)
    }
    for count in 0...32 where count != cipher.nonceByteCount {
      refused([UInt8](repeating: 1, count: count), Self.key)
    }
    for count in 0...40 where count != 32 {
      refused(nonce, SecretBytes(copying: [UInt8](repeating: 1, count: count)))
    }
  }
}
