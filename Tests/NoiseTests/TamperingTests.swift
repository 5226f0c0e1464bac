import Testing

@testable import Noise

@Suite struct TamperingTests {
  static let names =
    ["Noise_XXpsk0_25519_ChaChaPoly_SHA256"]
    + ["XXpsk0", "XX", "IK", "KK", "NN", "NKpsk2", "X", "IX"].map { "Noise_\($0)_25519_ChaChaPoly_BLAKE2b" }

  /// What is sent before a key is agreed on can only be found changed later, but before the handshake is over.
  @Test(arguments: names) func aChangeOfAnyByteIsRefused(name: String) throws {
    try forEachMessage(of: name) { start, message, messageByteCount in
      for index in 0..<messageByteCount {
        for bit in [0x01, 0x80] as [UInt8] {
          let error = outcome(of: start, from: message) {
            var changed = $0
            changed[index] ^= bit
            return changed
          }
          #expect(error?.code == .authenticationFailed, "byte \(index) of message \(message)")
        }
      }
    }
  }

  @Test(arguments: names) func aMessageCutAnywhereIsRefused(name: String) throws {
    try forEachMessage(of: name) { start, message, messageByteCount in
      for count in 0..<messageByteCount {
        let error = outcome(of: start, from: message) { Array($0.prefix(count)) }
        #expect(
          error?.code == .truncatedMessage || error?.code == .authenticationFailed,
          "\(count) bytes of message \(message)")
      }
    }
  }

  @Test(arguments: names) func anExtendedMessageIsRefused(name: String) throws {
    try forEachMessage(of: name) { start, message, _ in
      #expect(outcome(of: start, from: message) { $0 + [0] }?.code == .authenticationFailed)
    }
  }

  /// With the key at the start nothing is in the clear, so the very message that was changed is refused.
  @Test func ourPatternRefusesAtOnce() throws {
    try forEachMessage(of: HandshakeTests.ours) { start, message, messageByteCount in
      for index in 0..<messageByteCount {
        var pair = start
        #expect(throws: NoiseError(.authenticationFailed, "")) {
          try pair.exchange(message, payload: [1, 2, 3]) {
            var changed = $0
            changed[index] ^= 0x10
            return changed
          }
        }
      }
    }
  }

  /// Calls `body` before each message with the pair as it is then and with the message's length.
  private func forEachMessage(
    of name: String, _ body: (_ start: HandshakePair, _ message: Int, _ messageByteCount: Int) throws -> Void
  ) throws {
    var pair = try HandshakePair(name)
    for message in 0..<pair.messageCount {
      let start = pair
      var messageByteCount = 0
      try pair.exchange(message, payload: [1, 2, 3]) {
        messageByteCount = $0.count
        return $0
      }
      try body(start, message, messageByteCount)
    }
  }

  /// Goes on from a message that `change` changes to the end; what it is refused with.
  private func outcome(of start: HandshakePair, from message: Int, change: ([UInt8]) -> [UInt8]) -> NoiseError? {
    var pair = start
    do throws(NoiseError) {
      try pair.exchange(message, payload: [1, 2, 3], change: change)
      for later in (message + 1)..<max(message + 1, pair.messageCount) { try pair.exchange(later) }
      return nil
    } catch {
      return error
    }
  }
}
