import CSodium

/// The group ristretto255 (RFC 9496), of prime order, over libsodium.
public enum Ristretto255 {
  public static let elementByteCount = 32
  public static let scalarByteCount = 32
  public static let hashByteCount = 64

  /// The element that 64 uniform bytes map to (RFC 9496, section 4.3.4).
  ///
  /// - Throws: ``SodiumError`` with `invalidLength`.
  public static func element(fromUniformBytes bytes: [UInt8]) throws(SodiumError) -> [UInt8] {
    SodiumLibrary.require()
    try SodiumError.requireLength(bytes.count, hashByteCount, of: "uniform bytes")
    var element = [UInt8](repeating: 0, count: elementByteCount)
    _ = crypto_core_ristretto255_from_hash(&element, bytes)
    return element
  }

  /// A random scalar, not zero.
  public static func randomScalar() -> SecretBytes {
    SodiumLibrary.require()
    return SecretBytes(byteCount: scalarByteCount) { bytes in
      guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
      crypto_core_ristretto255_scalar_random(start)
    }
  }

  /// `scalar` times `element`.
  ///
  /// - Throws: ``SodiumError`` with `invalidLength`, or `weakKey` where the bytes are no element in its one encoding,
  ///   or the product is the identity.
  public static func multiply(_ element: [UInt8], by scalar: SecretBytes) throws(SodiumError) -> [UInt8] {
    SodiumLibrary.require()
    try SodiumError.requireLength(element.count, elementByteCount, of: "group element")
    try SodiumError.requireLength(scalar.byteCount, scalarByteCount, of: "scalar")
    var product = [UInt8](repeating: 0, count: elementByteCount)
    guard scalar.withPointer({ crypto_scalarmult_ristretto255(&product, $0, element) }) == 0 else {
      throw SodiumError(.weakKey, "not an element of the group, or the identity")
    }
    return product
  }
}
