import CSodium

/// What the two ciphers share: a 32-byte key, a tag of 16 bytes after the ciphertext, libsodium's calling sequence.
struct AuthenticatedCipher: Sendable {
  static let keyByteCount = 32
  static let tagByteCount = 16

  typealias Bytes = UnsafePointer<UInt8>
  typealias Encrypt =
    @Sendable (
      UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt64>?, Bytes?, UInt64, Bytes?, UInt64, Bytes?, Bytes, Bytes
    ) -> Int32
  typealias Decrypt =
    @Sendable (
      UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<UInt8>?, Bytes, UInt64, Bytes?,
      UInt64, Bytes, Bytes
    ) -> Int32

  let nonceByteCount: Int
  let encrypt: Encrypt
  let decrypt: Decrypt

  func seal(
    _ plaintext: some Collection<UInt8>, nonce: [UInt8], additionalData: [UInt8], key: SecretBytes
  ) throws(SodiumError) -> [UInt8] {
    try requireLengths(nonce: nonce, key: key)
    return plaintext.withPointer { start, count in
      key.withPointer { key in
        let sealedByteCount = count + Self.tagByteCount
        return [UInt8](unsafeUninitializedCapacity: sealedByteCount) { output, initializedCount in
          guard let target = output.baseAddress else { return }
          _ = encrypt(
            target, nil, start, UInt64(count), additionalData, UInt64(additionalData.count), nil, nonce, key)
          initializedCount = sealedByteCount
        }
      }
    }
  }

  func open(
    _ ciphertext: some Collection<UInt8>, nonce: [UInt8], additionalData: [UInt8], key: SecretBytes
  ) throws(SodiumError) -> [UInt8] {
    try requireLengths(nonce: nonce, key: key)
    let plaintext: [UInt8]? = ciphertext.withPointer { start, count in
      guard let start, count >= Self.tagByteCount else { return nil }
      let plaintextByteCount = count - Self.tagByteCount
      var isAuthentic = false
      let plaintext = key.withPointer { key in
        [UInt8](unsafeUninitializedCapacity: plaintextByteCount) { output, initializedCount in
          isAuthentic =
            decrypt(
              output.baseAddress, nil, nil, start, UInt64(count), additionalData, UInt64(additionalData.count), nonce,
              key) == 0
          initializedCount = isAuthentic ? plaintextByteCount : 0
        }
      }
      return isAuthentic ? plaintext : nil
    }
    guard let plaintext else { throw SodiumError(.authenticationFailed, "the ciphertext is not authentic") }
    return plaintext
  }

  private func requireLengths(nonce: [UInt8], key: SecretBytes) throws(SodiumError) {
    SodiumLibrary.require()
    try SodiumError.requireLength(nonce.count, nonceByteCount, of: "nonce")
    try SodiumError.requireLength(key.byteCount, Self.keyByteCount, of: "cipher key")
  }
}
