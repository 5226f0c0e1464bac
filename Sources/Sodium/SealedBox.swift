import CSodium

/// Encryption to the holder of an Ed25519 key by an anonymous sender: libsodium's `crypto_box_seal` (an ephemeral
/// X25519 key, then XSalsa20-Poly1305) to the X25519 form of the key.
public enum SealedBox {
  /// What a box is longer than its content: the ephemeral public key and the tag.
  public static let overheadByteCount = 48

  /// - Throws: ``SodiumError`` with `invalidLength`, or `weakKey` when the bytes are no sound Ed25519 public key.
  public static func seal(_ message: [UInt8], toSigningKey publicKey: [UInt8]) throws(SodiumError) -> [UInt8] {
    SodiumLibrary.require()
    try SodiumError.requireLength(publicKey.count, Ed25519.publicKeyByteCount, of: "Ed25519 public key")
    let recipient = try agreementKey(fromSigningKey: publicKey)
    var box = [UInt8](repeating: 0, count: message.count + overheadByteCount)
    guard crypto_box_seal(&box, message, UInt64(message.count), recipient) == 0 else {
      throw SodiumError(.weakKey, "the recipient's key is of low order")
    }
    return box
  }

  /// - Throws: ``SodiumError`` with `authenticationFailed` when the box is not intact or is for another key.
  public static func open(_ box: [UInt8], with keyPair: SigningKeyPair) throws(SodiumError) -> [UInt8] {
    let recipient = try agreementKey(fromSigningKey: keyPair.publicKey)
    let secret = keyPair.agreementSecret()
    var message = [UInt8](repeating: 0, count: max(0, box.count - overheadByteCount))
    let status = secret.withPointer { crypto_box_seal_open(&message, box, UInt64(box.count), recipient, $0) }
    guard status == 0 else { throw SodiumError(.authenticationFailed, "the sealed box is not authentic") }
    return message
  }

  private static func agreementKey(fromSigningKey publicKey: [UInt8]) throws(SodiumError) -> [UInt8] {
    var agreementKey = [UInt8](repeating: 0, count: AgreementKeyPair.keyByteCount)
    guard crypto_sign_ed25519_pk_to_curve25519(&agreementKey, publicKey) == 0 else {
      throw SodiumError(.weakKey, "not a sound Ed25519 public key")
    }
    return agreementKey
  }
}
