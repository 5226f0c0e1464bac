import CSodium

/// An X25519 key pair (RFC 7748).
public final class AgreementKeyPair: Sendable {
  public static let keyByteCount = 32

  public let publicKey: [UInt8]
  /// The 32-byte private key: what is kept on disk.
  public let secret: SecretBytes

  /// A new random key pair.
  public convenience init() {
    self.init(validSecret: .random(byteCount: Self.keyByteCount))
  }

  /// - Throws: ``SodiumError`` with `invalidLength` when the secret has other than 32 bytes.
  public convenience init(secret: SecretBytes) throws(SodiumError) {
    try SodiumError.requireLength(secret.byteCount, Self.keyByteCount, of: "X25519 secret key")
    self.init(validSecret: secret)
  }

  private init(validSecret secret: SecretBytes) {
    SodiumLibrary.require()
    var publicKey = [UInt8](repeating: 0, count: Self.keyByteCount)
    _ = secret.withPointer { crypto_scalarmult_base(&publicKey, $0) }
    self.publicKey = publicKey
    self.secret = secret
  }

  /// The raw 32-byte Diffie-Hellman result: hash it before it serves as a key.
  ///
  /// - Throws: ``SodiumError`` with `invalidLength`, or `weakKey` for another key of low order, which would make the
  ///   result all zero and known to anybody.
  public func sharedSecret(with otherPublicKey: [UInt8]) throws(SodiumError) -> SecretBytes {
    try SodiumError.requireLength(otherPublicKey.count, Self.keyByteCount, of: "X25519 public key")
    return try SecretBytes(byteCount: Self.keyByteCount) { bytes throws(SodiumError) in
      let status = bytes.withMemoryRebound(to: UInt8.self) { output in
        secret.withPointer { secret in output.baseAddress.map { crypto_scalarmult($0, secret, otherPublicKey) } }
      }
      guard status == 0 else { throw SodiumError(.weakKey, "the other X25519 public key is of low order") }
    }
  }
}
