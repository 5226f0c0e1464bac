import Sodium
import Testing

@testable import Noise

@Suite struct CipherStateTests {
  let secret = SecretBytes.random(byteCount: 32)

  @Test func aReplayedLostOrReorderedMessageIsRefusedAndTheNextAwaited() throws {
    var sender = CipherState(secret: secret)
    var receiver = sender
    let first = try sender.encrypt([1])
    let second = try sender.encrypt([2])
    #expect(first != second)
    let notAuthentic = NoiseError(.authenticationFailed, "")
    #expect(throws: notAuthentic) { try receiver.decrypt(second) }
    #expect(receiver.nonce == 0)
    #expect(try receiver.decrypt(first) == [1])
    #expect(throws: notAuthentic) { try receiver.decrypt(first) }
    #expect(receiver.nonce == 1)
    #expect(try receiver.decrypt(second) == [2])
  }

  @Test func anyChangeIsRefused() throws {
    var sender = CipherState(secret: secret)
    var receiver = sender
    let message = try sender.encrypt([1, 2, 3], additionalData: [4])
    for index in message.indices {
      var changed = message
      changed[index] ^= 1
      #expect(throws: NoiseError(.authenticationFailed, "")) { try receiver.decrypt(changed, additionalData: [4]) }
      let code: NoiseError.Code = index < CipherState.tagByteCount ? .truncatedMessage : .authenticationFailed
      #expect(throws: NoiseError(code, "")) { try receiver.decrypt(message[..<index], additionalData: [4]) }
    }
    #expect(throws: NoiseError(.authenticationFailed, "")) { try receiver.decrypt(message, additionalData: [5]) }
    #expect(throws: NoiseError(.authenticationFailed, "")) { try receiver.decrypt(message) }
    #expect(try receiver.decrypt(message, additionalData: [4]) == [1, 2, 3])
  }

  @Test func slicesAreTaken() throws {
    var sender = CipherState(secret: secret)
    var receiver = sender
    let message = try sender.encrypt([0, 1, 2, 0].dropFirst().dropLast())
    #expect(try receiver.decrypt(([9] + message).dropFirst()) == [1, 2])
  }

  @Test func theLastNonceIsNeverUsed() throws {
    var sender = CipherState(secret: secret, nonce: .max - 1)
    var receiver = sender
    let last = try sender.encrypt([1])
    #expect(try receiver.decrypt(last) == [1])
    let exhausted = NoiseError(.nonceExhausted, "")
    #expect(throws: exhausted) { try sender.encrypt([1]) }
    #expect(throws: exhausted) { try receiver.decrypt(last) }
    sender.rekey()
    #expect(throws: exhausted, "a new key does not start the count again") { try sender.encrypt([1]) }
  }

  @Test func theNonceIsLittleEndianAfterFourZeros() throws {
    var cipher = CipherState(secret: secret, nonce: 0x0102_0304_0506_0708)
    let message = try cipher.encrypt([7])
    let nonce: [UInt8] = [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]
    #expect(try ChaCha20Poly1305.open(message, nonce: nonce, key: secret) == [7])
  }

  @Test func messagesHaveALimit() throws {
    var sender = CipherState(secret: secret)
    var receiver = sender
    let tooLong = NoiseError(.messageTooLong, "")
    #expect(throws: tooLong) { try sender.encrypt([UInt8](repeating: 0, count: 65_520)) }
    let message = try sender.encrypt([UInt8](repeating: 0, count: 65_519))
    #expect(message.count == CipherState.messageByteLimit)
    #expect(throws: tooLong) { try receiver.decrypt(message + [0]) }
    #expect(try receiver.decrypt(message).count == 65_519)
  }

  @Test func bothSidesRekeyTogether() throws {
    var sender = CipherState(secret: secret)
    var receiver = sender
    _ = try receiver.decrypt(sender.encrypt([1]))
    sender.rekey()
    #expect(sender.nonce == 1)
    let message = try sender.encrypt([2])
    #expect(throws: NoiseError(.authenticationFailed, "")) { try receiver.decrypt(message) }
    receiver.rekey()
    #expect(try receiver.decrypt(message) == [2])
  }
}
