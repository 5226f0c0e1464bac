import FieldWire
import Sodium

/// The content keys from before an epoch, under the epoch's own key, so that who is let in later reads what was written
/// earlier: nonce (24), then XChaCha20-Poly1305 with a domain string and the workspace as additional data over a count
/// (varint, at most 64) of epoch (u32) and key (32), in strictly ascending order.
enum KeyHistory {
  static func seal(
    _ keys: [EpochKey], under key: SecretBytes, in workspace: WorkspaceID
  ) throws(SodiumError) -> [UInt8] {
    var writer = WireWriter(capacity: 512)
    writer.keys(keys.suffix(WorkspaceKeys.sealedKeyLimit))
    var plain = writer.bytes
    defer { plain.wipe() }
    let nonce = SystemRandom.bytes(XChaCha20Poly1305.nonceByteCount)
    return nonce
      + (try XChaCha20Poly1305.seal(
        plain, nonce: nonce, additionalData: Domain.keyHistory + workspace.bytes, key: key))
  }

  /// `nil` under another key, and for what is no history.
  static func open(_ sealed: [UInt8], under key: SecretBytes, in workspace: WorkspaceID) -> [EpochKey]? {
    guard sealed.count > XChaCha20Poly1305.nonceByteCount,
      var plain = try? XChaCha20Poly1305.open(
        sealed[XChaCha20Poly1305.nonceByteCount...], nonce: Array(sealed[..<XChaCha20Poly1305.nonceByteCount]),
        additionalData: Domain.keyHistory + workspace.bytes, key: key)
    else { return nil }
    defer { plain.wipe() }
    var reader = WireReader(plain)
    guard let keys = try? reader.keys(), reader.isAtEnd else { return nil }
    return keys
  }
}
