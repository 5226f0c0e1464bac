import Sodium

/// The hash of a protocol and what Noise builds on it (rev 34, sections 4.3 and 12).
enum HashFunction: String, Sendable {
  case blake2b = "BLAKE2b"
  case sha256 = "SHA256"

  var byteCount: Int { self == .blake2b ? 64 : 32 }

  private var blockByteCount: Int { self == .blake2b ? 128 : 64 }

  func hash(_ bytes: [UInt8]) -> [UInt8] {
    switch self {
    case .blake2b: Blake2b.hash(bytes, byteCount: byteCount)
    case .sha256: SHA256.hash(bytes)
    }
  }

  /// Noise's HKDF with two outputs, each as long as the hash.
  func deriveTwo(from chainingKey: SecretBytes, _ input: UnsafeRawBufferPointer) -> (SecretBytes, SecretBytes) {
    var key = authenticationCode(key: chainingKey, input)
    defer { key.wipe() }
    let first = expand(key, following: nil, number: 1)
    return (first, expand(key, following: first, number: 2))
  }

  /// Noise's HKDF with three outputs, each as long as the hash.
  func deriveThree(
    from chainingKey: SecretBytes, _ input: UnsafeRawBufferPointer
  ) -> (SecretBytes, SecretBytes, SecretBytes) {
    var key = authenticationCode(key: chainingKey, input)
    defer { key.wipe() }
    let first = expand(key, following: nil, number: 1)
    let second = expand(key, following: first, number: 2)
    return (first, second, expand(key, following: second, number: 3))
  }

  private func authenticationCode(key: SecretBytes, _ message: UnsafeRawBufferPointer) -> [UInt8] {
    key.withUnsafeBytes { authenticationCode(key: $0, message, suffix: []) }
  }

  private func expand(_ key: [UInt8], following previous: SecretBytes?, number: UInt8) -> SecretBytes {
    var output = key.withUnsafeBytes { key in
      previous?.withUnsafeBytes { authenticationCode(key: key, $0, suffix: [number]) }
        ?? authenticationCode(key: key, UnsafeRawBufferPointer(start: nil, count: 0), suffix: [number])
    }
    defer { output.wipe() }
    return SecretBytes(copying: output)
  }

  /// HMAC (RFC 2104) over `message` and then `suffix`; the key is no longer than a block.
  private func authenticationCode(
    key: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer, suffix: [UInt8]
  ) -> [UInt8] {
    var inner = padded(key, with: 0x36, followedBy: message.count + suffix.count)
    inner.replaceSubrange(blockByteCount..<blockByteCount + message.count, with: message)
    inner.replaceSubrange(blockByteCount + message.count..<inner.count, with: suffix)
    var innerDigest = hash(inner)
    var outer = padded(key, with: 0x5c, followedBy: byteCount)
    outer.replaceSubrange(blockByteCount..<outer.count, with: innerDigest)
    defer {
      inner.wipe()
      innerDigest.wipe()
      outer.wipe()
    }
    return hash(outer)
  }

  /// The key in a block, every byte of which is combined with `pad`, and room after it. The array never grows, so that
  /// no copy of it is left behind.
  private func padded(_ key: UnsafeRawBufferPointer, with pad: UInt8, followedBy roomByteCount: Int) -> [UInt8] {
    var block = [UInt8](repeating: pad, count: blockByteCount + roomByteCount)
    for (index, byte) in key.enumerated() { block[index] ^= byte }
    return block
  }
}
