import Sodium

@testable import Noise

/// Both sides of one handshake, with whatever keys its pattern asks for.
struct HandshakePair {
  struct Keys {
    let initiator = AgreementKeyPair()
    let responder = AgreementKeyPair()
    let presharedKeys = (0..<4).map { _ in SecretBytes.random(byteCount: 32) }

    func pair(of role: HandshakeRole) -> AgreementKeyPair { role == .initiator ? initiator : responder }
  }

  var initiator: HandshakeState
  var responder: HandshakeState
  let keys: Keys
  let messageCount: Int

  init(_ name: String, keys: Keys = Keys(), prologue: [UInt8] = [1, 2, 3]) throws {
    self.keys = keys
    initiator = try Self.side(.initiator, of: name, keys: keys, prologue: prologue)
    responder = try Self.side(.responder, of: name, keys: keys, prologue: prologue)
    messageCount = try NoiseProtocolName(name).pattern.messages.count
  }

  static func side(
    _ role: HandshakeRole, of name: String, keys: Keys, prologue: [UInt8] = [1, 2, 3]
  ) throws -> HandshakeState {
    let name = try NoiseProtocolName(name)
    let pattern = name.pattern
    return try HandshakeState(
      name: name, role: role, prologue: prologue,
      localStatic: pattern.usesStaticKey(of: role) ? keys.pair(of: role) : nil,
      remoteStatic: pattern.isKnownBeforehand(role.other) ? keys.pair(of: role.other).publicKey : nil,
      presharedKeys: Array(keys.presharedKeys.prefix(pattern.presharedKeyCount)))
  }

  /// Carries the message with this index, as `change` leaves it, from its writer to its reader.
  @discardableResult
  mutating func exchange(
    _ index: Int, payload: [UInt8] = [], change: ([UInt8]) -> [UInt8] = { $0 }
  ) throws(NoiseError) -> ReceivedMessage {
    if index.isMultiple(of: 2) {
      return try responder.readMessage(change(initiator.writeMessage(payload: payload)))
    }
    return try initiator.readMessage(change(responder.writeMessage(payload: payload)))
  }

  mutating func finish() throws(NoiseError) {
    for index in 0..<messageCount { try exchange(index) }
  }
}

/// Every pattern of the table, without and with each of its single `psk` modifiers, with each hash.
let allProtocolNames: [String] = HandshakePattern.named.keys.sorted().flatMap { pattern in
  let messageCount = HandshakePattern.named[pattern]?.messages.count ?? 0
  let modified = [pattern] + (0...messageCount).map { "\(pattern)psk\($0)" }
  return modified.flatMap { name in
    ["SHA256", "BLAKE2b"].map { "Noise_\(name)_25519_ChaChaPoly_\($0)" }
  }
}
