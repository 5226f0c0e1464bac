import CSodium

/// Keys out of passphrases: Argon2id version 1.3 (RFC 9106), with one lane, as libsodium has it.
public enum PasswordHash {
  public static let saltByteCount = 16
  public static let keyByteCount = 32

  /// What one guess costs. Whoever reads them from a file holds them to a limit first, with ``isWithin(_:)``.
  public struct Cost: Hashable, Sendable {
    public var passCount: UInt32
    /// 1024 bytes each.
    public var memoryKibibyteCount: UInt32

    public init(passCount: UInt32, memoryKibibyteCount: UInt32) {
      self.passCount = passCount
      self.memoryKibibyteCount = memoryKibibyteCount
    }

    /// The second recommendation of RFC 9106, for machines with little memory: 3 passes over 64 MiB.
    public static let usual = Cost(passCount: 3, memoryKibibyteCount: 64 << 10)
    /// The least that the algorithm takes. For tests alone.
    public static let least = Cost(passCount: 1, memoryKibibyteCount: 8)

    /// Whether neither number is over that of `other`, nor under what the algorithm takes.
    public func isWithin(_ other: Cost) -> Bool {
      passCount >= 1 && passCount <= other.passCount && memoryKibibyteCount >= 8
        && memoryKibibyteCount <= other.memoryKibibyteCount
    }
  }

  /// - Throws: ``SodiumError`` with `invalidLength` for a salt of other than 16 bytes, or `outOfMemory`.
  public static func key(from passphrase: SecretBytes, salt: [UInt8], cost: Cost) throws(SodiumError) -> SecretBytes {
    SodiumLibrary.require()
    try SodiumError.requireLength(salt.count, saltByteCount, of: "salt")
    let count = passphrase.byteCount
    return try SecretBytes(byteCount: keyByteCount) { bytes throws(SodiumError) in
      let status = passphrase.withUnsafeBytes { passphrase in
        passphrase.withMemoryRebound(to: CChar.self) { passphrase in
          bytes.withMemoryRebound(to: UInt8.self) { key -> Int32 in
            guard let key = key.baseAddress, let passphrase = passphrase.baseAddress else { return -1 }
            return crypto_pwhash(
              key, UInt64(keyByteCount), passphrase, UInt64(count), salt,
              UInt64(cost.passCount), Int(cost.memoryKibibyteCount) << 10, crypto_pwhash_ALG_ARGON2ID13)
          }
        }
      }
      guard status == 0 else { throw SodiumError(.outOfMemory, "not enough memory for Argon2id") }
    }
  }
}
