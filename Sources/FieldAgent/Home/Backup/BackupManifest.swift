import FieldCore
import FieldWire

/// What comes first inside a backup: its length (u32) and then version 1 (u8), contents (u8), when it was made by the
/// wall clock in seconds since 1970 (u64), whether the keys were under a passphrase (u8), the ``Identity`` and the
/// ``PetnameBook``'s file (length-prefixed), and how many bytes of the store's SQLite file follow (u64).
struct BackupManifest {
  static let byteLimit = 3 << 20
  private static let version: UInt8 = 1

  var contents: BackupContents
  var madeAtSeconds: Int64
  var wasLocked: Bool
  /// A secret: whoever makes a manifest wipes it.
  var identity: [UInt8]
  var petnames: [UInt8]
  var storeByteCount: UInt64

  var encoded: [UInt8] {
    var writer = WireWriter(capacity: 4096 + petnames.count)
    writer.u8(Self.version)
    writer.u8(contents.rawValue)
    writer.u64(UInt64(bitPattern: madeAtSeconds))
    writer.u8(wasLocked ? 1 : 0)
    writer.lengthPrefixed(identity)
    writer.lengthPrefixed(petnames)
    writer.u64(storeByteCount)
    return writer.bytes
  }

  init(
    contents: BackupContents, madeAtSeconds: Int64, wasLocked: Bool, identity: [UInt8], petnames: [UInt8],
    storeByteCount: UInt64
  ) {
    self.contents = contents
    self.madeAtSeconds = madeAtSeconds
    self.wasLocked = wasLocked
    self.identity = identity
    self.petnames = petnames
    self.storeByteCount = storeByteCount
  }

  init(decoding bytes: [UInt8]) throws {
    var reader = WireReader(bytes)
    guard try reader.u8() == Self.version, let contents = BackupContents(rawValue: try reader.u8()) else {
      throw AgentError(.configuration, "The backup was written by a newer version of fieldsync.")
    }
    self.contents = contents
    madeAtSeconds = Int64(bitPattern: try reader.u64())
    wasLocked = try reader.u8() != 0
    identity = try reader.lengthPrefixed(limit: Identity.fileByteLimit)
    petnames = try reader.lengthPrefixed(limit: PetnameBook.fileByteLimit)
    storeByteCount = try reader.u64()
    try reader.expectEnd()
  }
}

/// What a backup holds.
public enum BackupContents: UInt8, Sendable {
  /// The keys, the workspace's directory and this user's names for devices: the rest comes back by a sync.
  case identity = 1
  /// The whole store too.
  case everything
}
