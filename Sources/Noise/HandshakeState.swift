public import Sodium

/// One side of a Noise handshake (rev 34, section 5.3), for any ``NoiseProtocolName``.
///
/// It does no input or output: the caller carries each message to the other side, in turn, until ``isComplete``, and
/// then takes the two directions of the channel from ``split()``.
///
/// It is a value. A message that is refused leaves it as it was, and a side that does not know which of several keys
/// the peer has may read a first message with several copies. Writing a message from two copies of one state, though,
/// would encrypt two messages under one key and nonce.
public struct HandshakeState: Sendable {
  public static let presharedKeyByteCount = 32

  private let pattern: HandshakePattern
  private let role: HandshakeRole
  private var symmetric: SymmetricState
  private var messageIndex = 0
  private let localStatic: AgreementKeyPair?
  private var localEphemeral: AgreementKeyPair?
  private var remoteEphemeral: [UInt8]?
  /// The other side's static public key: given at the start, or received.
  public private(set) var remoteStaticPublicKey: [UInt8]?
  /// In the order of the pattern; each is taken off when it is mixed in.
  private var presharedKeys: ArraySlice<SecretBytes>

  /// - Parameters:
  ///   - prologue: what both sides must agree on beforehand; a handshake with another prologue fails.
  ///   - localStatic: when the pattern uses this side's static key.
  ///   - remoteStatic: when the pattern presumes the other side's to be known.
  ///   - presharedKeys: one of 32 bytes for each `psk` modifier, in their order.
  ///   - localEphemeral: for published vectors and replayed simulations only. Never use one in two handshakes.
  /// - Throws: ``NoiseError`` with `missingKey`, `unexpectedKey` or `invalidKeyLength`.
  public init(
    name: NoiseProtocolName, role: HandshakeRole, prologue: [UInt8] = [], localStatic: AgreementKeyPair? = nil,
    remoteStatic: [UInt8]? = nil, presharedKeys: [SecretBytes] = [], localEphemeral: AgreementKeyPair? = nil
  ) throws(NoiseError) {
    pattern = name.pattern
    self.role = role
    try Self.require(pattern.usesStaticKey(of: role), given: localStatic != nil, "this side's static key pair")
    try Self.require(
      pattern.isKnownBeforehand(role.other), given: remoteStatic != nil, "the other side's static public key")
    guard (remoteStatic?.count ?? AgreementKeyPair.keyByteCount) == AgreementKeyPair.keyByteCount,
      presharedKeys.allSatisfy({ $0.byteCount == Self.presharedKeyByteCount })
    else { throw NoiseError(.invalidKeyLength, "static public keys and preshared keys have 32 bytes") }
    guard presharedKeys.count == pattern.presharedKeyCount else {
      throw NoiseError(
        presharedKeys.count < pattern.presharedKeyCount ? .missingKey : .unexpectedKey,
        "\(presharedKeys.count) preshared keys for a pattern with \(pattern.presharedKeyCount)")
    }
    self.localStatic = localStatic
    self.localEphemeral = localEphemeral
    self.presharedKeys = presharedKeys[...]
    remoteStaticPublicKey = remoteStatic
    symmetric = SymmetricState(protocolName: name)
    symmetric.mixHash(prologue)
    for known in [HandshakeRole.initiator, .responder] where pattern.isKnownBeforehand(known) {
      if let publicKey = known == role ? localStatic?.publicKey : remoteStatic { symmetric.mixHash(publicKey) }
    }
  }

  /// Whether the last message was written or read.
  public var isComplete: Bool { messageIndex == pattern.messages.count }

  /// The hash of all that was said so far; once ``isComplete``, a value that identifies the session (section 11.2).
  public var handshakeHash: [UInt8] { symmetric.transcriptHash }

  /// - Throws: as ``writeMessage(payloadFor:)``.
  public mutating func writeMessage(payload: [UInt8]) throws(NoiseError) -> [UInt8] {
    try writeMessage { _ in payload }
  }

  /// Writes the next message. The payload may depend on the transcript hash after the message's keys, the one that the
  /// reader gets as ``ReceivedMessage/transcriptHash``. The payload is in the clear as long as no key is agreed on.
  ///
  /// - Throws: ``NoiseError`` with `outOfTurn`, `messageTooLong`, or `weakKey` for a key of low order that was read.
  public mutating func writeMessage(
    payloadFor payload: (_ transcriptHash: [UInt8]) -> [UInt8]
  ) throws(NoiseError) -> [UInt8] {
    var next = self
    var message: [UInt8] = []
    for token in try tokens(writtenBy: role) {
      switch token {
      case .e:
        let keyPair = next.localEphemeral ?? AgreementKeyPair()
        next.localEphemeral = keyPair
        next.mixEphemeral(keyPair.publicKey)
        message += keyPair.publicKey
      case .s:
        guard let localStatic else { throw NoiseError(.missingKey, "the pattern sends a static key") }
        message += try next.symmetric.encryptAndHash(localStatic.publicKey)
      case .psk: next.mixPresharedKey()
      case .ee, .es, .se, .ss: try next.mixSharedSecret(token)
      }
    }
    message += try next.symmetric.encryptAndHash(payload(next.symmetric.transcriptHash))
    guard message.count <= CipherState.messageByteLimit else {
      throw NoiseError(.messageTooLong, "a handshake message of \(message.count) bytes")
    }
    next.endMessage()
    self = next
    return message
  }

  /// Reads the other side's next message.
  ///
  /// - Throws: ``NoiseError`` with `outOfTurn`, `messageTooLong`, `truncatedMessage`, `weakKey` or
  ///   `authenticationFailed`; the state is then as before.
  public mutating func readMessage(_ message: [UInt8]) throws(NoiseError) -> ReceivedMessage {
    guard message.count <= CipherState.messageByteLimit else {
      throw NoiseError(.messageTooLong, "a handshake message of \(message.count) bytes")
    }
    var next = self
    var rest = message[...]
    for token in try tokens(writtenBy: role.other) {
      switch token {
      case .e:
        let publicKey = Array(try Self.take(AgreementKeyPair.keyByteCount, from: &rest))
        next.remoteEphemeral = publicKey
        next.mixEphemeral(publicKey)
      case .s:
        let tagByteCount = next.symmetric.isEncrypting ? CipherState.tagByteCount : 0
        let sealedKey = try Self.take(AgreementKeyPair.keyByteCount + tagByteCount, from: &rest)
        next.remoteStaticPublicKey = try next.symmetric.decryptAndHash(sealedKey)
      case .psk: next.mixPresharedKey()
      case .ee, .es, .se, .ss: try next.mixSharedSecret(token)
      }
    }
    let transcriptHash = next.symmetric.transcriptHash
    let payload = try next.symmetric.decryptAndHash(rest)
    next.endMessage()
    self = next
    return ReceivedMessage(payload: payload, transcriptHash: transcriptHash)
  }

  /// The channel's two directions, from this side. A one-way pattern has only the initiator's: the other direction
  /// refuses every message with `nonceExhausted`.
  ///
  /// - Throws: ``NoiseError`` with `handshakeIncomplete`.
  public func split() throws(NoiseError) -> (send: CipherState, receive: CipherState) {
    guard isComplete else { throw NoiseError(.handshakeIncomplete, "the handshake is not over yet") }
    let (initiatorSecret, responderSecret) = symmetric.split()
    let fromInitiator = CipherState(secret: initiatorSecret)
    let fromResponder =
      pattern.isOneWay ? CipherState.unusable(secret: responderSecret) : CipherState(secret: responderSecret)
    return role == .initiator ? (fromInitiator, fromResponder) : (fromResponder, fromInitiator)
  }
}

extension HandshakeState {
  private static func require(_ isNeeded: Bool, given isGiven: Bool, _ what: String) throws(NoiseError) {
    guard isNeeded || !isGiven else { throw NoiseError(.unexpectedKey, "the pattern does not use \(what)") }
    guard isGiven || !isNeeded else { throw NoiseError(.missingKey, "the pattern needs \(what)") }
  }

  private static func take(_ count: Int, from rest: inout ArraySlice<UInt8>) throws(NoiseError) -> ArraySlice<UInt8> {
    guard rest.count >= count else { throw NoiseError(.truncatedMessage, "the message ends inside a public key") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private func tokens(writtenBy writer: HandshakeRole) throws(NoiseError) -> [HandshakePattern.Token] {
    guard !isComplete else { throw NoiseError(.outOfTurn, "the handshake is over") }
    guard pattern.writer(ofMessage: messageIndex) == writer else {
      throw NoiseError(.outOfTurn, "it is the other side's turn to write")
    }
    return pattern.messages[messageIndex]
  }

  /// With preshared keys, ephemeral keys also go into the key, so that it is fresh before any Diffie-Hellman result
  /// (section 9.2).
  private mutating func mixEphemeral(_ publicKey: [UInt8]) {
    symmetric.mixHash(publicKey)
    if pattern.presharedKeyCount > 0 { publicKey.withUnsafeBytes { symmetric.mixKey($0) } }
  }

  private mutating func mixPresharedKey() {
    if let key = presharedKeys.popFirst() { symmetric.mixKeyAndHash(key) }
  }

  private mutating func mixSharedSecret(_ token: HandshakePattern.Token) throws(NoiseError) {
    let initiatorIsStatic = token == .se || token == .ss
    let responderIsStatic = token == .es || token == .ss
    let (localIsStatic, remoteIsStatic) =
      role == .initiator ? (initiatorIsStatic, responderIsStatic) : (responderIsStatic, initiatorIsStatic)
    guard let local = localIsStatic ? localStatic : localEphemeral,
      let remote = remoteIsStatic ? remoteStaticPublicKey : remoteEphemeral
    else { throw NoiseError(.missingKey, "the pattern uses a key before it is known") }
    let secret: SecretBytes
    do {
      secret = try local.sharedSecret(with: remote)
    } catch {
      throw NoiseError(.weakKey, "the other side's public key is of low order")
    }
    secret.withUnsafeBytes { symmetric.mixKey($0) }
  }

  private mutating func endMessage() {
    messageIndex += 1
    if isComplete { localEphemeral = nil }
  }
}
