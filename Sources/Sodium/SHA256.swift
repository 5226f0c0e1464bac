import CSodium

/// SHA-256 (FIPS 180-4), in one call or piece by piece. Copies hash on independently.
public struct SHA256: Sendable {
  public static let byteCount = 32

  private var state = crypto_hash_sha256_state()

  public init() {
    SodiumLibrary.require()
    crypto_hash_sha256_init(&state)
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    crypto_hash_sha256_update(
      &state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
  }

  /// The digest of what came so far; more may follow.
  public func finalize() -> [UInt8] {
    var state = state
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    crypto_hash_sha256_final(&state, &digest)
    return digest
  }

  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    SodiumLibrary.require()
    var digest = [UInt8](repeating: 0, count: byteCount)
    crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    return digest
  }
}
