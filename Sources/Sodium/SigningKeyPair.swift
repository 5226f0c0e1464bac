import CSodium

/// An Ed25519 key pair (RFC 8032).
public final class SigningKeyPair: Sendable {
  public static let seedByteCount = 32

  public let publicKey: [UInt8]
  /// The 32-byte private key of RFC 8032, from which everything else follows: what is kept on disk.
  public let seed: SecretBytes
  /// Seed and public key, as libsodium signs with.
  private let expandedKey: SecretBytes

  /// A new random key pair.
  public convenience init() {
    self.init(validSeed: .random(byteCount: Self.seedByteCount))
  }

  /// - Throws: ``SodiumError`` with `invalidLength` when the seed has other than 32 bytes.
  public convenience init(seed: SecretBytes) throws(SodiumError) {
    try SodiumError.requireLength(seed.byteCount, Self.seedByteCount, of: "Ed25519 seed")
    self.init(validSeed: seed)
  }

  private init(validSeed seed: SecretBytes) {
    var publicKey = [UInt8](repeating: 0, count: Ed25519.publicKeyByteCount)
    expandedKey = SecretBytes(byteCount: 64) { bytes in
      guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
      _ = seed.withPointer { crypto_sign_seed_keypair(&publicKey, start, $0) }
    }
    self.publicKey = publicKey
    self.seed = seed
  }

  /// The 64-byte signature, always the same for the same key and message.
  public func sign(_ message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Ed25519.signatureByteCount)
    _ = expandedKey.withPointer { crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0) }
    return signature
  }

  /// The same identity's X25519 secret key, for sealed boxes.
  func agreementSecret() -> SecretBytes {
    SecretBytes(byteCount: AgreementKeyPair.keyByteCount) { bytes in
      guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
      _ = expandedKey.withPointer { crypto_sign_ed25519_sk_to_curve25519(start, $0) }
    }
  }
}
