/// A protocol name such as `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b`, parsed (Noise rev 34, section 8).
///
/// Any one-way, fundamental or deferred pattern with any `psk` modifiers in ascending order, over X25519 and
/// ChaCha20-Poly1305, with BLAKE2b or SHA256.
public struct NoiseProtocolName: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  let pattern: HandshakePattern
  let hash: HashFunction

  /// - Throws: ``NoiseError`` with `unsupportedProtocol`.
  public init(_ name: String) throws(NoiseError) {
    let parts = name.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0] == "Noise", parts[2] == "25519", parts[3] == "ChaChaPoly",
      let hash = HashFunction(rawValue: String(parts[4])), let pattern = Self.pattern(named: parts[1])
    else { throw NoiseError(.unsupportedProtocol, "not a Noise protocol that is implemented here") }
    self.pattern = pattern
    self.hash = hash
    description = name
  }

  private static func pattern(named name: Substring) -> HandshakePattern? {
    let base = name.prefix { !$0.isLowercase }
    guard var pattern = HandshakePattern.named[String(base)] else { return nil }
    if base.endIndex == name.endIndex { return pattern }
    var last = -1
    for modifier in name[base.endIndex...].split(separator: "+", omittingEmptySubsequences: false) {
      let digits = modifier.dropFirst(3)
      guard modifier.hasPrefix("psk"), let position = Int(digits), String(position) == digits, position > last,
        pattern.addPresharedKey(at: position)
      else { return nil }
      last = position
    }
    return pattern
  }
}
