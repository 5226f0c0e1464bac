import CSodium

/// ChaCha20-Poly1305 (RFC 8439). Its nonce of 12 bytes must never come twice under one key: count it, do not draw it.
public enum ChaCha20Poly1305 {
  public static let keyByteCount = AuthenticatedCipher.keyByteCount
  public static let nonceByteCount = 12
  public static let tagByteCount = AuthenticatedCipher.tagByteCount

  private static let cipher = AuthenticatedCipher(
    nonceByteCount: nonceByteCount,
    encrypt: { crypto_aead_chacha20poly1305_ietf_encrypt($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    decrypt: { crypto_aead_chacha20poly1305_ietf_decrypt($0, $1, $2, $3, $4, $5, $6, $7, $8) })

  /// Encrypts `plaintext`; the result is 16 bytes longer, for the tag at its end. Contiguous input is not copied.
  ///
  /// - Throws: ``SodiumError`` with `invalidLength` for a nonce of other than 12 bytes or a key of other than 32.
  public static func seal(
    _ plaintext: some Collection<UInt8>, nonce: [UInt8], additionalData: [UInt8] = [], key: SecretBytes
  ) throws(SodiumError) -> [UInt8] {
    try cipher.seal(plaintext, nonce: nonce, additionalData: additionalData, key: key)
  }

  /// Decrypts what ``seal(_:nonce:additionalData:key:)`` made, or nothing at all.
  ///
  /// - Throws: ``SodiumError`` with `invalidLength` as for sealing, or `authenticationFailed`.
  public static func open(
    _ ciphertext: some Collection<UInt8>, nonce: [UInt8], additionalData: [UInt8] = [], key: SecretBytes
  ) throws(SodiumError) -> [UInt8] {
    try cipher.open(ciphertext, nonce: nonce, additionalData: additionalData, key: key)
  }
}
