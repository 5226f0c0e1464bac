import FieldWire
import Sodium

/// The `identity` file under a passphrase: version 2 (u8), Argon2id's passes and KiB of memory (u32 each), salt (16),
/// nonce (24), and ``Identity``'s own encoding under XChaCha20-Poly1305 with all of that as additional data.
enum IdentityLock {
  private static let version: UInt8 = 2
  static let byteCount = 1 + 8 + PasswordHash.saltByteCount + XChaCha20Poly1305.nonceByteCount + 16
  /// What a file may ask of this machine.
  static let costLimit = PasswordHash.Cost(passCount: 64, memoryKibibyteCount: 1 << 20)

  static func isLocked(_ bytes: [UInt8]) -> Bool { bytes.first == version }

  static func seal(_ plain: [UInt8], with passphrase: SecretBytes, cost: PasswordHash.Cost) throws -> [UInt8] {
    let salt = SystemRandom.bytes(PasswordHash.saltByteCount)
    let nonce = SystemRandom.bytes(XChaCha20Poly1305.nonceByteCount)
    var writer = WireWriter()
    writer.u8(version)
    writer.u32(cost.passCount)
    writer.u32(cost.memoryKibibyteCount)
    writer.raw(salt)
    writer.raw(nonce)
    let key = try PasswordHash.key(from: passphrase, salt: salt, cost: cost)
    let sealed = try XChaCha20Poly1305.seal(plain, nonce: nonce, additionalData: writer.bytes, key: key)
    writer.raw(sealed)
    return writer.bytes
  }

  /// - Returns: A secret that the caller wipes.
  /// - Throws: ``AgentError``: `locked`, `wrongPassphrase`, `damaged`, or what asking throws.
  static func open(_ bytes: [UInt8], with source: PassphraseSource) throws -> [UInt8] {
    var reader = WireReader(bytes)
    guard let version = try? reader.u8(), version == Self.version, let passes = try? reader.u32(),
      let memory = try? reader.u32(), let salt = try? reader.raw(PasswordHash.saltByteCount),
      let nonce = try? reader.raw(XChaCha20Poly1305.nonceByteCount)
    else { throw Identity.damaged }
    let cost = PasswordHash.Cost(passCount: passes, memoryKibibyteCount: memory)
    guard cost.isWithin(costLimit) else { throw Identity.damaged }
    let key = try PasswordHash.key(from: try source.passphrase(), salt: salt, cost: cost)
    let header = Array(bytes.prefix(bytes.count - reader.remainingByteCount))
    do {
      return try XChaCha20Poly1305.open(reader.rest(), nonce: nonce, additionalData: header, key: key)
    } catch {
      throw AgentError(.wrongPassphrase, "The passphrase is wrong, or the identity file is damaged.")
    }
  }
}
