public import FieldWire
public import Sodium

/// What a device tells everybody near, and only members of its workspace understand: a tag by which they know who it
/// is, and one by which they know whether its store holds what theirs does. Both change with every epoch, so nothing in
/// it is stable, and without the presence key it is noise.
///
/// There is a long form for networks, and a short one for the four bytes that a Bluetooth advertisement has left. A
/// short tag is taken for another one once in 65,536 times; that costs a connection too many, or one that comes an
/// epoch late, and never data.
public struct PresenceBeacon: Hashable, Sendable {
  public static let longTagByteCount = 8
  public static let shortTagByteCount = 2
  public static let longByteCount = 2 * longTagByteCount
  public static let shortByteCount = 2 * shortTagByteCount

  /// Who. As long as ``state``, 2 or 8 bytes.
  public let identity: [UInt8]
  /// What it holds.
  public let state: [UInt8]

  /// - Parameters:
  ///   - device: The device that announces.
  ///   - head: Its store's. Only count and digest of the entries matter.
  public init(of device: DeviceKey, holding head: StoreHead, in epoch: PresenceEpoch, key: SecretBytes) {
    identity = Self.identity(of: device, in: epoch, key: key)
    state = Self.state(of: device, holding: head, in: epoch, key: key)
  }

  /// From a long or a short form; `nil` for another size.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.longByteCount || bytes.count == Self.shortByteCount else { return nil }
    identity = Array(bytes.prefix(bytes.count / 2))
    state = Array(bytes.suffix(bytes.count / 2))
  }

  /// ``shortByteCount`` bytes.
  public var short: [UInt8] {
    Array(identity.prefix(Self.shortTagByteCount)) + Array(state.prefix(Self.shortTagByteCount))
  }

  /// ``longByteCount`` bytes; the short form when that is all that is known.
  public var bytes: [UInt8] { identity + state }

  static func identity(of device: DeviceKey, in epoch: PresenceEpoch, key: SecretBytes) -> [UInt8] {
    var writer = WireWriter(capacity: 80)
    writer.raw(Domain.presenceIdentity)
    writer.u64(epoch.index)
    writer.raw(device.bytes)
    return Array(Blake2b.hash(writer.bytes, byteCount: 16, key: key).prefix(longTagByteCount))
  }

  /// The device is in it, so that two devices that hold the same do not look alike to a stranger.
  static func state(
    of device: DeviceKey, holding head: StoreHead, in epoch: PresenceEpoch, key: SecretBytes
  ) -> [UInt8] {
    var writer = WireWriter(capacity: 128)
    writer.raw(Domain.presenceState)
    writer.u64(epoch.index)
    writer.raw(device.bytes)
    writer.u64(head.entryCount)
    writer.raw(head.digest)
    return Array(Blake2b.hash(writer.bytes, byteCount: 16, key: key).prefix(longTagByteCount))
  }
}
