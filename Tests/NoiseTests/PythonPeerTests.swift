import Sodium
import Testing

@testable import Noise

/// Live handshakes against another implementation, the PyPI package `noiseprotocol`, in both roles.
@Suite struct PythonPeerTests {
  static let patterns = ["XXpsk0", "XX", "IK", "KK", "NN", "XXpsk0+psk3", "NKpsk2", "IX"]

  @Test(.timeLimit(.minutes(1)), arguments: patterns, ["SHA256", "BLAKE2b"])
  func aWholeSession(pattern: String, hash: String) throws {
    let peer = try PythonPeer()
    for role in [HandshakeRole.initiator, .responder] {
      try converse(with: peer, as: role, name: "Noise_\(pattern)_25519_ChaChaPoly_\(hash)")
    }
  }

  @Test(.timeLimit(.minutes(1))) func aOneWaySession() throws {
    let peer = try PythonPeer()
    let keys = HandshakePair.Keys()
    let name = "Noise_Xpsk1_25519_ChaChaPoly_BLAKE2b"
    var initiator = try HandshakePair.side(.initiator, of: name, keys: keys)
    try start(peer, as: .responder, name: name, keys: keys)
    #expect(try peer.perform("read", initiator.writeMessage(payload: [1, 2])) == [1, 2])
    var send = try initiator.split().send
    #expect(try peer.perform("decrypt", send.encrypt([3])) == [3])
  }

  @Test(.timeLimit(.minutes(1))) func aChangedMessageIsRefusedByBoth() throws {
    let peer = try PythonPeer()
    let keys = HandshakePair.Keys()
    let name = HandshakeTests.ours
    var initiator = try HandshakePair.side(.initiator, of: name, keys: keys)
    try start(peer, as: .responder, name: name, keys: keys)
    var message = try initiator.writeMessage(payload: [1])
    message[40] ^= 1
    #expect(throws: PythonPeer.Failure.self) { try peer.perform("read", message) }

    var responder = try HandshakePair.side(.responder, of: name, keys: keys)
    try start(peer, as: .initiator, name: name, keys: keys)
    var theirs = try peer.perform("write", [1])
    theirs[40] ^= 1
    #expect(throws: NoiseError(.authenticationFailed, "")) { try responder.readMessage(theirs) }
  }

  private func converse(with peer: PythonPeer, as role: HandshakeRole, name: String) throws {
    let keys = HandshakePair.Keys()
    var state = try HandshakePair.side(role, of: name, keys: keys)
    try start(peer, as: role.other, name: name, keys: keys)
    var isOurTurn = role == .initiator
    while !state.isComplete {
      let payload = SystemRandom.bytes(20)
      if isOurTurn {
        #expect(try peer.perform("read", state.writeMessage(payload: payload)) == payload)
      } else {
        #expect(try state.readMessage(peer.perform("write", payload)).payload == payload)
      }
      isOurTurn.toggle()
    }
    #expect(try peer.perform("hash") == state.handshakeHash)
    var channel = try state.split()
    for round in 0..<3 {
      for byteCount in [0, 1, 1000] {
        let message = SystemRandom.bytes(byteCount)
        #expect(try peer.perform("decrypt", channel.send.encrypt(message)) == message, "round \(round)")
        #expect(try channel.receive.decrypt(peer.perform("encrypt", message)) == message, "round \(round)")
      }
      channel.send.rekey()
      channel.receive.rekey()
      _ = try peer.perform("rekey")
    }
  }

  private func start(_ peer: PythonPeer, as role: HandshakeRole, name: String, keys: HandshakePair.Keys) throws {
    let pattern = try NoiseProtocolName(name).pattern
    var peerKeys: [String: String] = [:]
    if pattern.usesStaticKey(of: role) {
      peerKeys["static"] = hex(keys.pair(of: role).secret.withUnsafeBytes { Array($0) })
    }
    if pattern.isKnownBeforehand(role.other) { peerKeys["remoteStatic"] = hex(keys.pair(of: role.other).publicKey) }
    try peer.start(
      name, asInitiator: role == .initiator, prologue: [1, 2, 3], keys: peerKeys,
      presharedKeys: keys.presharedKeys.prefix(pattern.presharedKeyCount).map { $0.withUnsafeBytes { Array($0) } })
  }
}
