import CSodium

/// Ed25519 signatures (RFC 8032) seen from the verifier's side.
public enum Ed25519 {
  public static let publicKeyByteCount = 32
  public static let signatureByteCount = 64

  /// Whether `signature` is the key's over `message`. Wrong lengths, non-canonical scalars and keys of low order count
  /// as not valid.
  public static func isValid(signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
    SodiumLibrary.require()
    guard signature.count == signatureByteCount, publicKey.count == publicKeyByteCount else { return false }
    return crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
  }
}
