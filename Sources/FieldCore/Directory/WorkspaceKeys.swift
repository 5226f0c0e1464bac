public import FieldWire
public import Sodium

/// The secrets that a member of a workspace holds: what an admin seals to a device with its grant. A relay's grant
/// seals the presence key alone.
///
/// Encoded, before sealing: version 1 (u8), presence key (32), then for members the naming key (32) and a count
/// (varint, at most 64) of epoch (u32) and content key (32), epochs in strictly ascending order.
public struct WorkspaceKeys: Sendable {
  /// Who does not have it gets no answer at all: it is mixed into every session's handshake.
  public var presence: SecretBytes
  /// Turns names into identifiers, see ``NameHasher``; `nil` on a relay.
  public var naming: SecretBytes?
  public private(set) var epochs: [UInt32: SecretBytes]

  public static let keyByteCount = 32
  static let version: UInt8 = 1
  static let epochLimit = 64

  public init(presence: SecretBytes, naming: SecretBytes?, epochs: [UInt32: SecretBytes]) {
    self.presence = presence
    self.naming = naming
    self.epochs = epochs
  }

  /// New random keys, with content epoch 1.
  public static func generate() -> WorkspaceKeys {
    WorkspaceKeys(
      presence: .random(byteCount: keyByteCount), naming: .random(byteCount: keyByteCount),
      epochs: [1: .random(byteCount: keyByteCount)])
  }

  public var keyring: ContentKeyring {
    epochs.reduce(into: ContentKeyring()) { $0.add($1.value, epoch: $1.key) }
  }

  /// What a relay is given.
  public var withoutContent: WorkspaceKeys { WorkspaceKeys(presence: presence, naming: nil, epochs: [:]) }

  /// - Throws: ``SodiumError`` where `device` is not a usable key.
  public func sealed(to device: DeviceKey) throws -> [UInt8] {
    var plain = encoded
    defer { plain.wipe() }
    return try SealedBox.seal(plain, toSigningKey: device.bytes)
  }

  /// - Throws: ``EntryError`` with `undecryptable` when the keys were sealed to another device, `malformed`.
  public init(opening sealed: [UInt8], with keyPair: SigningKeyPair) throws(EntryError) {
    guard var plain = try? SealedBox.open(sealed, with: keyPair) else {
      throw EntryError(.undecryptable, "the keys were sealed to another device")
    }
    defer { plain.wipe() }
    do {
      try self.init(decoding: plain)
    } catch {
      throw EntryError(.malformed, "sealed keys: \(error.reason)")
    }
  }

  public var encoded: [UInt8] {
    var writer = WireWriter(capacity: 128)
    writer.u8(Self.version)
    writer.raw(presence)
    if let naming {
      writer.raw(naming)
      writer.count(epochs.count)
      for (epoch, key) in epochs.sorted(by: { $0.key < $1.key }) {
        writer.u32(epoch)
        writer.raw(key)
      }
    }
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    guard try reader.u8() == Self.version else { throw WireError(.unknownMandatory, "a version of keys that is not 1") }
    presence = SecretBytes(copying: try reader.raw(Self.keyByteCount))
    naming = nil
    epochs = [:]
    guard !reader.isAtEnd else { return }
    naming = SecretBytes(copying: try reader.raw(Self.keyByteCount))
    let count = try reader.count(limit: Self.epochLimit, itemByteCount: 4 + Self.keyByteCount)
    var last: UInt32 = 0
    for _ in 0..<count {
      let epoch = try reader.u32()
      guard epoch > last else { throw WireError(.notCanonical, "key epochs out of order") }
      epochs[epoch] = SecretBytes(copying: try reader.raw(Self.keyByteCount))
      last = epoch
    }
    try reader.expectEnd()
  }
}

extension WireWriter {
  mutating func raw(_ secret: SecretBytes) {
    secret.withUnsafeBytes { raw(Array($0)) }
  }
}
