import CSodium

/// SHA-512 (FIPS 180-4).
public enum SHA512 {
  public static let byteCount = 64
  /// What the compression function takes at once.
  public static let blockByteCount = 128

  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    SodiumLibrary.require()
    var digest = [UInt8](repeating: 0, count: byteCount)
    crypto_hash_sha512(&digest, bytes, UInt64(bytes.count))
    return digest
  }
}
