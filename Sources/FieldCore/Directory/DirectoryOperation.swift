public import FieldWire

/// The payload of a directory entry, which is not encrypted, since relays check membership too. What a relay must not
/// know is sealed inside.
///
/// Encoded: version 1 (u8), operation (u8), then
/// - 1, found: 16 bytes of nonce, sealed keys (length-prefixed, at most 8 KiB), sealed name (length-prefixed, at most
///   512);
/// - 2, grant: device (32), role (u8), epoch (u32), sealed keys, sealed name, as above;
/// - 3, revoke: device (32), the last of the device's directory entries that still counts (32; zero for none), count
///   (varint, at most 4,096), and as many of database (16) and sequence (u64), databases in strictly ascending order:
///   how much of the device's other chains still counts;
/// - 4, epoch: epoch (u32), key history (length-prefixed, at most 8 KiB), count (varint, at most 4,096), and as many of
///   device (32) and sealed keys, devices in strictly ascending order;
/// - 5, warrant: see ``Warrant``.
public enum DirectoryOperation: Hashable, Sendable {
  case found(nonce: [UInt8], sealedKeys: [UInt8], sealedName: [UInt8])
  /// `epoch` is the newest one whose keys are sealed inside; a relay has a part of them.
  case grant(device: DeviceKey, role: DeviceRole, epoch: UInt32, sealedKeys: [UInt8], sealedName: [UInt8])
  /// Of the device's directory entries `lastEntry` and those before it in its chain still count: an id, as a number
  /// would leave room for entries that it writes in old places, or in places that it left free.
  case revoke(device: DeviceKey, lastEntry: EntryID, lastSequences: [DatabaseID: UInt64])
  /// New keys, sealed to each device that goes on, and the content keys before them under the new one, see
  /// ``KeyHistory``.
  case epoch(number: UInt32, history: [UInt8], boxes: [DeviceKey: [UInt8]])
  /// A grant to the entry's own author.
  case warrant(Warrant)

  public static let version: UInt8 = 1
  public static let foundingNonceByteCount = 16
  public static let deviceLimit = 4096
  static let sealedKeysByteLimit = 8192
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
    case .grant(let device, let role, let epoch, let sealedKeys, let sealedName):
      writer.u8(2)
      writer.identifier(device)
      writer.u8(role.rawValue)
      writer.u32(epoch)
      writer.lengthPrefixed(sealedKeys)
      writer.lengthPrefixed(sealedName)
    case .revoke(let device, let lastEntry, let lastSequences):
      writer.u8(3)
      writer.identifier(device)
      writer.identifier(lastEntry)
      writer.count(lastSequences.count)
      for (database, sequence) in lastSequences.sorted(by: { $0.key < $1.key }) {
        writer.identifier(database)
        writer.u64(sequence)
      }
    case .epoch(let number, let history, let boxes):
      writer.u8(4)
      writer.u32(number)
      writer.lengthPrefixed(history)
      writer.count(boxes.count)
      for (device, box) in boxes.sorted(by: { $0.key < $1.key }) {
        writer.identifier(device)
        writer.lengthPrefixed(box)
      }
    case .warrant(let warrant):
      writer.u8(5)
      warrant.encode(into: &writer)
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
        device: device, role: role, epoch: try reader.u32(),
        sealedKeys: try reader.lengthPrefixed(limit: Self.sealedKeysByteLimit),
        sealedName: try reader.lengthPrefixed(limit: Self.sealedNameByteLimit))
    case 3:
      self = try Self.revocation(from: &reader)
    case 4:
      self = try Self.epoch(from: &reader)
    case 5:
      self = .warrant(try Warrant(from: &reader))
    default:
      throw WireError(.unknownMandatory, "an unknown directory operation")
    }
    try reader.expectEnd()
  }

  private static func revocation(from reader: inout WireReader) throws(WireError) -> DirectoryOperation {
    let device: DeviceKey = try reader.identifier()
    let lastEntry: EntryID = try reader.identifier()
    let count = try reader.count(limit: databaseLimit, itemByteCount: DatabaseID.byteCount + 8)
    var lastSequences: [DatabaseID: UInt64] = [:]
    var last: DatabaseID?
    for _ in 0..<count {
      let database: DatabaseID = try reader.identifier()
      if let last, last >= database { throw WireError(.notCanonical, "databases out of order") }
      lastSequences[database] = try reader.u64()
      last = database
    }
    return .revoke(device: device, lastEntry: lastEntry, lastSequences: lastSequences)
  }

  private static func epoch(from reader: inout WireReader) throws(WireError) -> DirectoryOperation {
    let number = try reader.u32()
    guard number > 1 else { throw WireError(.invalidValue, "the first epoch begins with the workspace") }
    let history = try reader.lengthPrefixed(limit: sealedKeysByteLimit)
    let count = try reader.count(limit: deviceLimit, itemByteCount: DeviceKey.byteCount + 1)
    var boxes: [DeviceKey: [UInt8]] = [:]
    var last: DeviceKey?
    for _ in 0..<count {
      let device: DeviceKey = try reader.identifier()
      if let last, last >= device { throw WireError(.notCanonical, "devices out of order") }
      boxes[device] = try reader.lengthPrefixed(limit: sealedKeysByteLimit)
      last = device
    }
    return .epoch(number: number, history: history, boxes: boxes)
  }
}
