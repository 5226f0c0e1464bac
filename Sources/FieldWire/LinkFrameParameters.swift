/// The body of an OPEN or OPEN_ACK frame: what its sender can take.
///
/// ```
/// offset  width  field
/// 0       1      link protocol version
/// 1       2      largest frame, in bytes, big-endian
/// 3       2      frames that may be under way before the first ACK, big-endian
/// 5       4      largest message, in bytes, big-endian
/// ```
public struct LinkParameters: Hashable, Sendable {
  static let byteCount = 9

  public var protocolVersion: UInt8
  public var maximumFrameByteCount: UInt16
  public var windowFrameCount: UInt16
  public var maximumMessageByteCount: UInt32

  public init(
    protocolVersion: UInt8, maximumFrameByteCount: UInt16, windowFrameCount: UInt16, maximumMessageByteCount: UInt32
  ) {
    self.protocolVersion = protocolVersion
    self.maximumFrameByteCount = maximumFrameByteCount
    self.windowFrameCount = windowFrameCount
    self.maximumMessageByteCount = maximumMessageByteCount
  }

  init(from reader: inout WireReader) throws(WireError) {
    protocolVersion = try reader.u8()
    maximumFrameByteCount = try reader.u16()
    windowFrameCount = try reader.u16()
    maximumMessageByteCount = try reader.u32()
  }

  func write(to writer: inout WireWriter) {
    writer.u8(protocolVersion)
    writer.u16(maximumFrameByteCount)
    writer.u16(windowFrameCount)
    writer.u32(maximumMessageByteCount)
  }
}
