import FieldCore
import FieldWire
import Sodium

/// A device's name as the directory carries it: for members to read, not for relays. Key epoch (u32), nonce (24), and
/// the UTF-8 text under the epoch's content key with XChaCha20-Poly1305; the additional data is a domain string and the
/// device's key.
enum DeviceName {
  private static let domain = Array("fieldsync device name 1\0".utf8)

  static let nonceByteCount = XChaCha20Poly1305.nonceByteCount

  /// - Parameter nonce: Only for a name and key that never change; `nil` draws one.
  /// - Throws: ``AgentError`` with `notAllowed`, or `invalidInput` for a name that is too long.
  static func seal(
    _ name: String, of device: DeviceKey, with keys: WorkspaceKeys, nonce: [UInt8]? = nil
  ) throws -> [UInt8] {
    guard let writing = keys.writing else {
      throw AgentError(.notAllowed, "This device has no content keys, so it cannot let others in.")
    }
    guard name.utf8.count <= Identity.nameByteLimit else {
      throw AgentError(.invalidInput, "A device's name has at most \(Identity.nameByteLimit) bytes.")
    }
    let nonce = nonce ?? SystemRandom.bytes(nonceByteCount)
    var writer = WireWriter()
    writer.u32(writing.epoch)
    writer.raw(nonce)
    writer.raw(
      try XChaCha20Poly1305.seal(
        Array(name.utf8), nonce: nonce, additionalData: domain + device.bytes, key: writing.key))
    return writer.bytes
  }

  /// `nil` for what this device cannot read.
  static func open(_ sealed: [UInt8], of device: DeviceKey, with keys: WorkspaceKeys) -> String? {
    var reader = WireReader(sealed)
    guard let epoch = try? reader.u32(), let nonce = try? reader.raw(XChaCha20Poly1305.nonceByteCount) else {
      return nil
    }
    let ciphertext = reader.rest()
    for key in (try? keys.keyring.keys(epoch: epoch)) ?? [] {
      let text = try? XChaCha20Poly1305.open(
        ciphertext, nonce: nonce, additionalData: domain + device.bytes, key: key)
      if let text { return String(decoding: text, as: UTF8.self) }
    }
    return nil
  }
}
