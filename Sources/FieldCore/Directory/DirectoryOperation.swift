public import FieldWire

/// The payload of a directory entry, which is not encrypted, since relays check membership too. What a relay must not
/// know is sealed inside.
///
/// Encoded: version 1 (u8), operation (u8), then
/// - 1, found: 16 bytes of nonce, sealed keys (length-prefixed, at most 4 KiB), sealed name (length-prefixed, at most
///   512);
/// - 2, grant: device (32), role (u8), sealed keys, sealed name, as above;
/// - 3, revoke: device (32), count (varint, at most 4,096), and as many of database (16) and sequence (u64), databases
///   in
///   strictly ascending order: how much of the device's own chains still counts.
public enum DirectoryOperation: Hashable, Sendable {
  case found(nonce: [UInt8], sealedKeys: [UInt8], sealedName: [UInt8])
  case grant(device: DeviceKey, role: DeviceRole, sealedKeys: [UInt8], sealedName: [UInt8])
  case revoke(device: DeviceKey, lastSequences: [DatabaseID: UInt64])

  public static let version: UInt8 = 1
  public static let foundingNonceByteCount = 16
  static let sealedKeysByteLimit = 4096
  static let sealedNameByteLimit = 512
  static let databaseLimit = 4096

  public var encoded: [UInt8] {
    var writer = WireWriter()
    writer.u8(Self.version)
    switch self {
    case .found(let nonce, let sealedKeys, let sealedName):
      writer.u8(1)
      writer.raw(nonce)
      writer.lengthPrefixed(sealedKeys)
      writer.lengthPrefixed(sealedName)
    case .grant(let device, let role, let sealedKeys, let sealedName):
      writer.u8(2)
      writer.identifier(device)
      writer.u8(role.rawValue)
      writer.lengthPrefixed(sealedKeys)
      writer.lengthPrefixed(sealedName)
    case .revoke(let device, let lastSequences):
      writer.u8(3)
      writer.identifier(device)
      writer.count(lastSequences.count)
      for (database, sequence) in lastSequences.sorted(by: { $0.key < $1.key }) {
        writer.identifier(database)
        writer.u64(sequence)
      }
    }
    return writer.bytes
  }

  public init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    guard try reader.u8() == Self.version else {
      throw WireError(.unknownMandatory, "a directory version that is not 1")
    }
    switch try reader.u8() {
    case 1:
      self = .found(
        nonce: try reader.raw(Self.foundingNonceByteCount),
        sealedKeys: try reader.lengthPrefixed(limit: Self.sealedKeysByteLimit),
        sealedName: try reader.lengthPrefixed(limit: Self.sealedNameByteLimit))
    case 2:
      let device: DeviceKey = try reader.identifier()
      guard let role = DeviceRole(rawValue: try reader.u8()) else {
        throw WireError(.unknownMandatory, "an unknown role")
      }
      self = .grant(
        device: device, role: role, sealedKeys: try reader.lengthPrefixed(limit: Self.sealedKeysByteLimit),
        sealedName: try reader.lengthPrefixed(limit: Self.sealedNameByteLimit))
    case 3:
      let device: DeviceKey = try reader.identifier()
      let count = try reader.count(limit: Self.databaseLimit, itemByteCount: DatabaseID.byteCount + 8)
      var lastSequences: [DatabaseID: UInt64] = [:]
      var last: DatabaseID?
      for _ in 0..<count {
        let database: DatabaseID = try reader.identifier()
        if let last, last >= database { throw WireError(.notCanonical, "databases out of order") }
        lastSequences[database] = try reader.u64()
        last = database
      }
      self = .revoke(device: device, lastSequences: lastSequences)
    default:
      throw WireError(.unknownMandatory, "an unknown directory operation")
    }
    try reader.expectEnd()
  }
}
