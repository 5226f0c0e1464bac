import Sodium
import Testing

@testable import Noise

@Suite struct HandshakeTests {
  static let ours = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b"

  @Test(arguments: allProtocolNames) func everyPatternEndsInAChannel(name: String) throws {
    var pair = try HandshakePair(name)
    for index in 0..<pair.messageCount {
      #expect(!pair.initiator.isComplete && !pair.responder.isComplete)
      let payload = Array("payload \(index)".utf8)
      #expect(try pair.exchange(index, payload: payload).payload == payload)
      #expect(pair.initiator.handshakeHash == pair.responder.handshakeHash)
    }
    #expect(pair.initiator.isComplete && pair.responder.isComplete)
    let pattern = try NoiseProtocolName(name).pattern
    if pattern.usesStaticKey(of: .responder) {
      #expect(pair.initiator.remoteStaticPublicKey == pair.keys.responder.publicKey)
    }
    if pattern.usesStaticKey(of: .initiator) {
      #expect(pair.responder.remoteStaticPublicKey == pair.keys.initiator.publicKey)
    }
    var (initiatorSend, initiatorReceive) = try pair.initiator.split()
    var (responderSend, responderReceive) = try pair.responder.split()
    for number in 0..<3 as Range<UInt8> {
      #expect(try responderReceive.decrypt(initiatorSend.encrypt([number])) == [number])
      if pattern.isOneWay {
        #expect(throws: NoiseError(.nonceExhausted, "")) { try responderSend.encrypt([number]) }
        #expect(throws: NoiseError(.nonceExhausted, "")) {
          try initiatorReceive.decrypt([UInt8](repeating: 0, count: 16))
        }
      } else {
        #expect(try initiatorReceive.decrypt(responderSend.encrypt([number])) == [number])
      }
    }
  }

  @Test func aPayloadMaySignTheTranscript() throws {
    var pair = try HandshakePair(Self.ours)
    let identity = SigningKeyPair()
    try pair.exchange(0)
    let message = try pair.responder.writeMessage { identity.sign($0) }
    let received = try pair.initiator.readMessage(message)
    #expect(
      Ed25519.isValid(
        signature: received.payload, message: received.transcriptHash, publicKey: identity.publicKey))
    #expect(received.transcriptHash != pair.initiator.handshakeHash, "the payload is hashed after it")
  }

  @Test func aRefusedMessageChangesNothing() throws {
    var pair = try HandshakePair(Self.ours)
    for index in 0..<pair.messageCount {
      let before = index.isMultiple(of: 2) ? pair.responder : pair.initiator
      #expect(throws: NoiseError(.authenticationFailed, "")) {
        if index.isMultiple(of: 2) {
          _ = try pair.responder.readMessage([UInt8](repeating: 7, count: 200))
        } else {
          _ = try pair.initiator.readMessage([UInt8](repeating: 7, count: 200))
        }
      }
      let after = index.isMultiple(of: 2) ? pair.responder : pair.initiator
      #expect(after.handshakeHash == before.handshakeHash)
      #expect(after.remoteStaticPublicKey == before.remoteStaticPublicKey)
      try pair.exchange(index)
    }
    #expect(pair.initiator.isComplete && pair.responder.isComplete)
  }

  @Test func aResponderTriesSeveralKeysWithCopies() throws {
    let keys = HandshakePair.Keys()
    let others = [HandshakePair.Keys(), keys, HandshakePair.Keys()]
    var initiator = try HandshakePair.side(.initiator, of: Self.ours, keys: keys)
    let candidates = try others.map { try HandshakePair.side(.responder, of: Self.ours, keys: $0) }
    let message = try initiator.writeMessage(payload: [9])
    let matching = candidates.indices.filter { index in
      var copy = candidates[index]
      return (try? copy.readMessage(message)) != nil
    }
    #expect(matching == [1])
  }

  @Test func anotherPresharedKeyIsRefusedAtTheFirstMessage() throws {
    var initiator = try HandshakePair.side(.initiator, of: Self.ours, keys: HandshakePair.Keys())
    var responder = try HandshakePair.side(.responder, of: Self.ours, keys: HandshakePair.Keys())
    let message = try initiator.writeMessage(payload: [])
    #expect(throws: NoiseError(.authenticationFailed, "")) { try responder.readMessage(message) }
  }

  @Test(arguments: allProtocolNames) func anotherPrologueIsRefused(name: String) throws {
    var pair = try HandshakePair(name)
    pair.responder = try HandshakePair.side(.responder, of: name, keys: pair.keys, prologue: [1, 2, 4])
    let error = #expect(throws: NoiseError.self) { try pair.finish() }
    #expect(error?.code == .authenticationFailed)
  }

  @Test func writingOutOfTurnIsRefused() throws {
    var pair = try HandshakePair(Self.ours)
    let outOfTurn = NoiseError(.outOfTurn, "")
    #expect(throws: outOfTurn) { try pair.responder.writeMessage(payload: []) }
    #expect(throws: outOfTurn) { try pair.initiator.readMessage([]) }
    let incomplete = NoiseError(.handshakeIncomplete, "")
    #expect(throws: incomplete) { try pair.initiator.split() }
    let first = try pair.initiator.writeMessage(payload: [])
    _ = try pair.responder.readMessage(first)
    #expect(throws: outOfTurn, "a replay") { try pair.responder.readMessage(first) }
    try pair.exchange(1)
    try pair.exchange(2)
    #expect(throws: outOfTurn) { try pair.initiator.writeMessage(payload: []) }
    #expect(throws: outOfTurn) { try pair.initiator.readMessage(first) }
    #expect(throws: outOfTurn) { try pair.responder.readMessage(first) }
  }

  @Test func messagesOfAnotherHandshakeAreRefused() throws {
    let keys = HandshakePair.Keys()
    var recorded = try HandshakePair(Self.ours, keys: keys)
    let first = try recorded.initiator.writeMessage(payload: [])
    _ = try recorded.responder.readMessage(first)
    let second = try recorded.responder.writeMessage(payload: [])
    _ = try recorded.initiator.readMessage(second)
    let third = try recorded.initiator.writeMessage(payload: [])

    var fresh = try HandshakePair(Self.ours, keys: keys)
    _ = try fresh.initiator.writeMessage(payload: [])
    #expect(throws: NoiseError(.authenticationFailed, "")) { try fresh.initiator.readMessage(second) }
    // The first message alone is the same to any responder that knows the key, so a replay of it gets an answer, but
    // the recorded third message does not fit that answer.
    _ = try fresh.responder.readMessage(first)
    _ = try fresh.responder.writeMessage(payload: [])
    #expect(throws: NoiseError(.authenticationFailed, "")) { try fresh.responder.readMessage(third) }
  }

  @Test func tooLongMessagesAreRefused() throws {
    // The first message of XXpsk0: an ephemeral key, the payload and a tag.
    let longest = CipherState.messageByteLimit - 32 - CipherState.tagByteCount
    var pair = try HandshakePair(Self.ours)
    let tooLong = NoiseError(.messageTooLong, "")
    #expect(throws: tooLong) { try pair.initiator.writeMessage(payload: [UInt8](repeating: 0, count: longest + 1)) }
    #expect(throws: tooLong) { try pair.initiator.writeMessage(payload: [UInt8](repeating: 0, count: 70_000)) }
    #expect(throws: tooLong) { try pair.responder.readMessage([UInt8](repeating: 0, count: 65_536)) }
    let payload = SystemRandom.bytes(longest)
    #expect(try pair.exchange(0, payload: payload).payload == payload)

    var unencrypted = try HandshakePair("Noise_NN_25519_ChaChaPoly_BLAKE2b")
    #expect(throws: tooLong) { try unencrypted.initiator.writeMessage(payload: [UInt8](repeating: 0, count: 65_504)) }
    try unencrypted.exchange(0, payload: [UInt8](repeating: 0, count: 65_503))
  }

  @Test func keysMustFitThePattern() throws {
    let name = try NoiseProtocolName("Noise_IKpsk2_25519_ChaChaPoly_SHA256")
    let local = AgreementKeyPair()
    let remote = AgreementKeyPair().publicKey
    let presharedKey = SecretBytes.random(byteCount: 32)
    func make(
      _ local: AgreementKeyPair?, _ remote: [UInt8]?, _ presharedKeys: [SecretBytes], name: NoiseProtocolName = name
    ) -> NoiseError.Code? {
      do throws(NoiseError) {
        _ = try HandshakeState(
          name: name, role: .initiator, localStatic: local, remoteStatic: remote, presharedKeys: presharedKeys)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(make(local, remote, [presharedKey]) == nil)
    #expect(make(nil, remote, [presharedKey]) == .missingKey)
    #expect(make(local, nil, [presharedKey]) == .missingKey)
    #expect(make(local, remote, []) == .missingKey)
    #expect(make(local, remote, [presharedKey, presharedKey]) == .unexpectedKey)
    #expect(make(local, [1], [presharedKey]) == .invalidKeyLength)
    #expect(make(local, remote, [.random(byteCount: 31)]) == .invalidKeyLength)
    let anonymous = try NoiseProtocolName("Noise_NN_25519_ChaChaPoly_SHA256")
    #expect(make(nil, nil, [], name: anonymous) == nil)
    #expect(make(local, nil, [], name: anonymous) == .unexpectedKey)
    #expect(make(nil, remote, [], name: anonymous) == .unexpectedKey)
  }

  /// Zero, one, and a point of order 8.
  @Test(arguments: [
    [UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31),
    hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800") ?? [],
  ])
  func keysOfLowOrderAreRefused(point: [UInt8]) throws {
    let weak = NoiseError(.weakKey, "")
    // As an ephemeral key that the responder reads and must answer.
    var responder = try HandshakePair("Noise_NN_25519_ChaChaPoly_SHA256").responder
    _ = try responder.readMessage(point)
    #expect(throws: weak) { try responder.writeMessage(payload: []) }
    // As the answer.
    var initiator = try HandshakePair("Noise_NN_25519_ChaChaPoly_SHA256").initiator
    _ = try initiator.writeMessage(payload: [])
    #expect(throws: weak) { try initiator.readMessage(point + [UInt8](repeating: 0, count: 16)) }
    // As a static key, known beforehand or sent.
    var knowing = try HandshakeState(
      name: NoiseProtocolName("Noise_N_25519_ChaChaPoly_SHA256"), role: .initiator, remoteStatic: point)
    #expect(throws: weak) { try knowing.writeMessage(payload: []) }
    var told = try HandshakePair("Noise_IX_25519_ChaChaPoly_SHA256").responder
    _ = try told.readMessage(AgreementKeyPair().publicKey + point)
    #expect(throws: weak) { try told.writeMessage(payload: []) }
  }

  @Test func printingShowsNoSecret() throws {
    let keys = HandshakePair.Keys()
    var pair = try HandshakePair(Self.ours, keys: keys)
    try pair.finish()
    let channel = try pair.initiator.split()
    var dumped = ""
    dump(pair, to: &dumped)
    dump(channel, to: &dumped)
    let printed = dumped + "\(pair) \(channel)" + String(reflecting: pair)
    for secret in keys.presharedKeys + [keys.initiator.secret, keys.responder.secret] {
      let bytes = secret.withUnsafeBytes { Array($0) }
      let inDump = bytes.prefix(4).map { "- \($0)" }
      #expect(!printed.contains(bytes.prefix(4).map(String.init).joined(separator: ", ")))
      #expect(!printed.lowercased().contains(hex(Array(bytes.prefix(6)))))
      #expect(!printed.filter { $0 != "\n" && $0 != " " }.contains(inDump.joined().filter { $0 != " " }))
    }
    #expect(printed.contains("redacted"))
  }
}
