import FieldWire
import Noise
public import Sodium

/// Three messages that make a session: `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b` (Noise rev. 34). No IO, no clock.
///
/// ```
/// -> psk, e                    48 bytes: nothing of who is there, and readable only with the key
/// <- e, ee, s, es, proof      192 bytes
/// -> s, se, proof             160 bytes
/// ```
///
/// The prologue is a domain string, the workspace and the purpose. A proof is `device key (32) | signature (64)`; the
/// signature, by the device's Ed25519 key, is over a domain string, the signer's role (1 initiator, 2 responder) and
/// the handshake hash before the proof is encrypted. That hash covers both ephemeral keys and the signer's static key,
/// so a proof is good for this session and this side alone. The static X25519 keys live as long as the session.
public struct SessionHandshake: Sendable {
  public enum Role: UInt8, Sendable {
    case initiator = 1
    case responder = 2
  }

  /// What the owner of the handshake does next.
  public enum Step: Sendable {
    /// Send this and wait for the answer.
    case send([UInt8])
    /// Send this if there is something; the session begins.
    case established(SessionSecrets, lastMessage: [UInt8]?)
  }

  static let protocolName = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b"
  static let firstMessageByteCount = 48
  static let proofByteCount = DeviceKey.byteCount + EntryLimits.signatureByteCount

  private enum State: Sendable {
    case initiatorStart(HandshakeState)
    case initiatorWaiting(HandshakeState)
    /// One state for each key that a stranger's first message is tried with.
    case responderStart([(SessionKey, HandshakeState)])
    case responderWaiting(HandshakeState)
    case over
  }

  private var state: State
  private var key: SessionKey?
  private let identity: SigningKeyPair
  private let role: Role

  public init(initiatorWith key: SessionKey, identity: SigningKeyPair) throws(SessionError) {
    try self.init(initiatorWith: key, identity: identity, keyPairs: KeyPairs())
  }

  /// - Parameter keys: The keys that peers may begin with; few, since the first message is tried with each.
  public init(responderWith keys: [SessionKey], identity: SigningKeyPair) throws(SessionError) {
    try self.init(responderWith: keys, identity: identity, keyPairs: KeyPairs())
  }

  /// The X25519 keys of one session's side. Fixed ones are for published vectors, and never for two handshakes.
  struct KeyPairs {
    var staticKeyPair = AgreementKeyPair()
    /// `nil` for a new random one.
    var ephemeral: AgreementKeyPair?
  }

  init(initiatorWith key: SessionKey, identity: SigningKeyPair, keyPairs: KeyPairs) throws(SessionError) {
    self.identity = identity
    self.key = key
    role = .initiator
    state = .initiatorStart(try Self.noise(key, .initiator, keyPairs))
  }

  init(responderWith keys: [SessionKey], identity: SigningKeyPair, keyPairs: KeyPairs) throws(SessionError) {
    self.identity = identity
    role = .responder
    var candidates: [(SessionKey, HandshakeState)] = []
    for key in keys { candidates.append((key, try Self.noise(key, .responder, keyPairs))) }
    state = .responderStart(candidates)
  }

  /// The initiator's first message.
  public mutating func start() throws(SessionError) -> [UInt8] {
    guard case .initiatorStart(var noise) = state else {
      throw SessionError(.handshakeFailed, "the handshake has started already")
    }
    let message = try Self.translate { () throws(NoiseError) in try noise.writeMessage(payload: []) }
    state = .initiatorWaiting(noise)
    return message
  }

  /// Takes the peer's next message. After an error the handshake is over and the connection is closed without a word.
  public mutating func received(_ message: [UInt8]) throws(SessionError) -> Step {
    let current = state
    state = .over
    switch current {
    case .responderStart(let candidates):
      guard message.count == Self.firstMessageByteCount else { throw Self.stranger }
      for (candidate, noise) in candidates {
        var noise = noise
        guard let received = try? noise.readMessage(message) else { continue }
        guard received.payload.isEmpty else { throw SessionError(.handshakeFailed, "a payload where there is none") }
        key = candidate
        let reply = try prove(&noise)
        state = .responderWaiting(noise)
        return .send(reply)
      }
      throw Self.stranger
    case .initiatorWaiting(var noise):
      let peer = try readProof(&noise, message, of: .responder)
      let last = try prove(&noise)
      return .established(try secrets(of: noise, peer: peer), lastMessage: last)
    case .responderWaiting(var noise):
      let peer = try readProof(&noise, message, of: .initiator)
      return .established(try secrets(of: noise, peer: peer), lastMessage: nil)
    case .initiatorStart, .over:
      throw SessionError(.handshakeFailed, "a handshake message out of turn")
    }
  }

  /// Whether `message` begins a handshake with one of the keys: what a responder finds out before it does anything that
  /// costs, with a few hashes for each key and no exponentiation.
  public static func begins(_ message: [UInt8], with keys: [SessionKey]) -> Bool {
    guard message.count == firstMessageByteCount else { return false }
    return keys.contains { key in
      guard var noise = try? noise(key, .responder, unused) else { return false }
      return (try? noise.readMessage(message)) != nil
    }
  }

  /// Reading the first message takes no key pair of the responder's.
  private static let unused = KeyPairs()

  private static func noise(
    _ key: SessionKey, _ role: Role, _ keyPairs: KeyPairs
  ) throws(SessionError)
    -> HandshakeState
  {
    try translate { () throws(NoiseError) in
      try HandshakeState(
        name: try NoiseProtocolName(protocolName), role: role == .initiator ? .initiator : .responder,
        prologue: key.prologue, localStatic: keyPairs.staticKeyPair, remoteStatic: nil, presharedKeys: [key.secret],
        localEphemeral: keyPairs.ephemeral)
    }
  }

  private static let stranger = SessionError(.stranger, "the peer does not know this workspace's key")

  private func prove(_ noise: inout HandshakeState) throws(SessionError) -> [UInt8] {
    let identity = identity
    let role = role
    return try Self.translate { () throws(NoiseError) in
      try noise.writeMessage { transcriptHash in
        identity.publicKey + identity.sign(Self.provenBytes(role, transcriptHash))
      }
    }
  }

  private func readProof(
    _ noise: inout HandshakeState, _ message: [UInt8], of peerRole: Role
  ) throws(SessionError)
    -> DeviceKey
  {
    let received = try Self.translate { () throws(NoiseError) in try noise.readMessage(message) }
    guard received.payload.count == Self.proofByteCount,
      let peer = DeviceKey(Array(received.payload.prefix(DeviceKey.byteCount))),
      Defence.identityProof.isOff
        || Ed25519.isValid(
          signature: Array(received.payload.suffix(EntryLimits.signatureByteCount)),
          message: Self.provenBytes(peerRole, received.transcriptHash), publicKey: peer.bytes)
    else { throw SessionError(.handshakeFailed, "the peer's identity proof is not for this session") }
    guard peer.bytes != identity.publicKey || Defence.ownReflection.isOff else {
      throw SessionError(.ownReflection, "the connection leads back to this device")
    }
    return peer
  }

  private func secrets(of noise: HandshakeState, peer: DeviceKey) throws(SessionError) -> SessionSecrets {
    guard let key else { throw SessionError(.handshakeFailed, "no key was agreed on") }
    let hash = noise.handshakeHash
    let ciphers = try Self.translate { () throws(NoiseError) in try noise.split() }
    return SessionSecrets(
      peer: peer, role: role, key: key, handshakeHash: hash, sending: ciphers.send, receiving: ciphers.receive)
  }

  private static func provenBytes(_ role: Role, _ transcriptHash: [UInt8]) -> [UInt8] {
    Domain.identityProof + [role.rawValue] + transcriptHash
  }

  private static func translate<T>(_ body: () throws(NoiseError) -> T) throws(SessionError) -> T {
    do {
      return try body()
    } catch {
      throw SessionError(.handshakeFailed, "\(error)")
    }
  }
}
