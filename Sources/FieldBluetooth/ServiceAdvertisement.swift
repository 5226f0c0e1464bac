import FieldWire

/// The manufacturer data of an advertisement: all that it can say beside the service's UUID.
///
/// ```
/// offset  width  field
/// 0       1      version 1 (high 4 bits) | capabilities (low 4 bits), as in INFO; other bits are zero and ignored
/// 1       1      PSM of the L2CAP channel, 0x80 to 0xFF; 0 when there is none
/// 2       4      the announcement: the device's own bytes
/// ```
struct ServiceAdvertisement: Hashable, Sendable {
  static let byteCount = 2 + BluetoothConfiguration.announcementByteCount
  private static let version: UInt8 = 1

  /// Nil: no channels.
  var psm: UInt16?
  var announcement: [UInt8]

  func encoded() -> [UInt8] {
    var writer = WireWriter(capacity: Self.byteCount)
    let capabilities: ServiceInformation.Capabilities = psm == nil ? [] : .channel
    writer.u8(Self.version << 4 | capabilities.rawValue)
    writer.u8(UInt8(truncatingIfNeeded: psm ?? 0))
    writer.raw(announcement)
    return writer.bytes
  }

  init(psm: UInt16?, announcement: [UInt8]) {
    self.psm = psm
    self.announcement = announcement
  }

  /// Nil for anything but ``byteCount`` bytes of this version.
  init?(decoding bytes: [UInt8]) {
    guard bytes.count == Self.byteCount, bytes[0] >> 4 == Self.version else { return nil }
    let capabilities = ServiceInformation.Capabilities(rawValue: bytes[0] & 0x0F)
    psm = capabilities.contains(.channel) ? ServiceInformation.dynamicPSM(UInt16(bytes[1])) : nil
    announcement = Array(bytes[2...])
  }
}
