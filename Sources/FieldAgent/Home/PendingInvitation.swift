public import FieldCore
public import FieldWire

/// An invitation that this device gave out, and what became of it.
///
/// Encoded: secret (16), role (u8), when it was made in seconds since 1970 (u64), since the boot (u64), and the boot's
/// name (length-prefixed, at most 64), lifetime in seconds (u64), used by (length-prefixed: device key, or none).
public struct PendingInvitation: Hashable, Sendable {
  public let secret: [UInt8]
  public let role: DeviceRole
  public let madeAt: ClockReading
  public let lifetimeSeconds: Int64
  /// The one device that was let in with it.
  public internal(set) var usedBy: DeviceKey?

  static let maximumLifetimeSeconds: Int64 = 366 * 24 * 3600

  /// When it ends by the wall clock, for showing.
  public var expiresAt: Int64 { madeAt.wallSeconds + lifetimeSeconds }

  /// Setting the wall clock back does not help an old invitation: within one boot the time since the boot counts, and
  /// after it a wall clock that is before the invitation's making ends it.
  public func isExpired(at now: ClockReading) -> Bool {
    if now.boot == madeAt.boot, !now.boot.isEmpty { return now.bootSeconds >= madeAt.bootSeconds + lifetimeSeconds }
    return now.wallSeconds < madeAt.wallSeconds || now.wallSeconds >= expiresAt
  }

  init(secret: [UInt8], role: DeviceRole, madeAt: ClockReading, lifetimeSeconds: Int64) {
    self.secret = secret
    self.role = role
    self.madeAt = madeAt
    self.lifetimeSeconds = min(max(0, lifetimeSeconds), Self.maximumLifetimeSeconds)
  }

  func encode(into writer: inout WireWriter) {
    writer.raw(secret)
    writer.u8(role.rawValue)
    writer.u64(UInt64(bitPattern: madeAt.wallSeconds))
    writer.u64(UInt64(bitPattern: madeAt.bootSeconds))
    writer.text(madeAt.boot)
    writer.u64(UInt64(bitPattern: lifetimeSeconds))
    writer.lengthPrefixed(usedBy?.bytes ?? [])
  }

  init(from reader: inout WireReader) throws(WireError) {
    secret = try reader.raw(Invitation.secretByteCount)
    guard let role = DeviceRole(rawValue: try reader.u8()) else { throw WireError(.invalidValue, "an unknown role") }
    self.role = role
    let wall = Int64(bitPattern: try reader.u64())
    let sinceBoot = Int64(bitPattern: try reader.u64())
    let boot = try reader.text(limit: 64)
    lifetimeSeconds = Int64(bitPattern: try reader.u64())
    guard (0...Int64.max / 2).contains(wall), (0...Int64.max / 2).contains(sinceBoot),
      (0...Self.maximumLifetimeSeconds).contains(lifetimeSeconds)
    else { throw WireError(.invalidValue, "a time out of range") }
    madeAt = ClockReading(wallSeconds: wall, bootSeconds: sinceBoot, boot: boot)
    usedBy = DeviceKey(try reader.lengthPrefixed(limit: DeviceKey.byteCount))
  }
}
