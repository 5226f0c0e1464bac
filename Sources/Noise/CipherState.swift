import Sodium

/// One direction of an encrypted channel: a ChaCha20-Poly1305 key and the counter that is its nonce (Noise rev 34,
/// section 5.1). Messages must arrive in the order in which they were encrypted, each once.
///
/// A copy counts on its own: encrypting with two copies uses a nonce twice, which gives the plaintexts away. Keep one.
public struct CipherState: Sendable {
  /// What a message is longer than its plaintext.
  public static let tagByteCount = ChaCha20Poly1305.tagByteCount
  /// The longest message, tag included.
  public static let messageByteLimit = 65_535

  private static let keyByteCount = ChaCha20Poly1305.keyByteCount
  /// Reserved for ``rekey()``, so the last message has the nonce before it.
  private static let rekeyNonce = UInt64.max

  private var key: SecretBytes
  /// How many messages came before the next one, across rekeying.
  public private(set) var nonce: UInt64

  /// Takes the first 32 bytes of `secret`, which has no fewer.
  init(secret: SecretBytes, nonce: UInt64 = 0) {
    key =
      secret.byteCount == Self.keyByteCount
      ? secret
      : SecretBytes(byteCount: Self.keyByteCount) { key in
        secret.withUnsafeBytes { key.copyBytes(from: $0.prefix(Self.keyByteCount)) }
      }
    self.nonce = nonce
  }

  /// The direction that a one-way pattern does not have: whoever uses it gets `nonceExhausted`.
  static func unusable(secret: SecretBytes) -> CipherState { CipherState(secret: secret, nonce: rekeyNonce) }

  /// - Throws: ``NoiseError`` with `messageTooLong` or `nonceExhausted`.
  public mutating func encrypt(
    _ plaintext: some Collection<UInt8>, additionalData: [UInt8] = []
  ) throws(NoiseError) -> [UInt8] {
    try requireUnusedNonce()
    guard plaintext.count <= Self.messageByteLimit - Self.tagByteCount else {
      throw NoiseError(.messageTooLong, "\(plaintext.count) bytes and a tag do not fit one message")
    }
    let message = seal(plaintext, nonce: nonce, additionalData: additionalData)
    nonce += 1
    return message
  }

  /// A message that is refused changes nothing: the next one is still awaited under the same nonce.
  ///
  /// - Throws: ``NoiseError`` with `messageTooLong`, `truncatedMessage`, `nonceExhausted` or `authenticationFailed`.
  public mutating func decrypt(
    _ message: some Collection<UInt8>, additionalData: [UInt8] = []
  ) throws(NoiseError) -> [UInt8] {
    try requireUnusedNonce()
    guard message.count <= Self.messageByteLimit else {
      throw NoiseError(.messageTooLong, "\(message.count) bytes are more than a message may have")
    }
    guard message.count >= Self.tagByteCount else {
      throw NoiseError(.truncatedMessage, "\(message.count) bytes are less than a tag")
    }
    let plaintext: [UInt8]
    do {
      plaintext = try ChaCha20Poly1305.open(
        message, nonce: Self.bytes(ofNonce: nonce), additionalData: additionalData, key: key)
    } catch {
      throw NoiseError(.authenticationFailed, "the message is not authentic")
    }
    nonce += 1
    return plaintext
  }

  /// Replaces the key by one that follows from it and from which it does not follow (section 11.3). Both sides do it at
  /// the same message; the nonce goes on.
  public mutating func rekey() {
    var bytes = seal([UInt8](repeating: 0, count: Self.keyByteCount), nonce: Self.rekeyNonce, additionalData: [])
    key = SecretBytes(byteCount: Self.keyByteCount) { $0.copyBytes(from: bytes.prefix(Self.keyByteCount)) }
    bytes.wipe()
  }

  private func requireUnusedNonce() throws(NoiseError) {
    guard nonce < Self.rekeyNonce else { throw NoiseError(.nonceExhausted, "every nonce of this key was used") }
  }

  private func seal(_ plaintext: some Collection<UInt8>, nonce: UInt64, additionalData: [UInt8]) -> [UInt8] {
    do {
      return try ChaCha20Poly1305.seal(
        plaintext, nonce: Self.bytes(ofNonce: nonce), additionalData: additionalData, key: key)
    } catch {
      preconditionFailure("the lengths of key and nonce are fixed here: \(error)")
    }
  }

  private static func bytes(ofNonce nonce: UInt64) -> [UInt8] {
    [0, 0, 0, 0] + withUnsafeBytes(of: nonce.littleEndian) { Array($0) }
  }
}
