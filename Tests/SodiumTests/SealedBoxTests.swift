import Sodium
import Testing

@Suite struct SealedBoxTests {
  @Test(arguments: [0, 1, 32, 1000]) func onlyTheRecipientOpens(byteCount: Int) throws {
    let recipient = SigningKeyPair()
    let message = SystemRandom.bytes(byteCount)
    let box = try SealedBox.seal(message, toSigningKey: recipient.publicKey)
    #expect(box.count == byteCount + SealedBox.overheadByteCount)
    #expect(try SealedBox.open(box, with: recipient) == message)
    #expect(throws: SodiumError.self) { try SealedBox.open(box, with: SigningKeyPair()) }
  }

  @Test func boxesOfOneMessageDiffer() throws {
    let recipient = SigningKeyPair()
    #expect(
      try SealedBox.seal([1], toSigningKey: recipient.publicKey)
        != SealedBox.seal([1], toSigningKey: recipient.publicKey))
  }

  /// Made by PyNaCl 1.6.2 for the key of RFC 8032 section 7.1, test 1.
  @Test func opensABoxMadeElsewhere() throws {
    let recipient = try SigningKeyPair(
      seed: SecretBytes(copying: hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")))
    let box = hex(
      """
      615cf191558dddce319f64c79fe6caa0eb881a984123aec18d3dca35373cd12d
      d1612f212510cb1e1ca0b00537bc8f8d6d9ac1f08063b13557c8b28ae0058620
      """)
    #expect(try SealedBox.open(box, with: recipient) == Array("sealed elsewhere".utf8))
  }

  @Test func changedOrCutBoxesAreRefused() throws {
    let recipient = SigningKeyPair()
    let box = try SealedBox.seal([1, 2, 3], toSigningKey: recipient.publicKey)
    for index in box.indices {
      var changed = box
      // The top bit of an X25519 key is ignored, but it is part of the nonce's hash, so this is refused too.
      changed[index] ^= 0x80
      for wrong in [changed, Array(box.prefix(index))] {
        let error = #expect(throws: SodiumError.self) { try SealedBox.open(wrong, with: recipient) }
        #expect(error?.code == .authenticationFailed)
      }
    }
  }

  @Test func unsoundKeysAreRefused() {
    for count in [0, 31, 33] {
      let error = #expect(throws: SodiumError.self) {
        try SealedBox.seal([], toSigningKey: [UInt8](repeating: 9, count: count))
      }
      #expect(error?.code == .invalidLength)
    }
    // The neutral element and a point of order 2.
    for point in ["01" + String(repeating: "00", count: 31), "ec" + String(repeating: "ff", count: 30) + "7f"] {
      let error = #expect(throws: SodiumError.self) { try SealedBox.seal([], toSigningKey: hex(point)) }
      #expect(error?.code == .weakKey)
    }
  }
}
