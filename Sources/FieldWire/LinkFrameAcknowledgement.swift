/// The body of an ACK frame, whose sequence field is the next DATA frame that the receiver wants (all before it are
/// there).
///
/// ```
/// offset  width  field
/// 0       8      bitmap, big-endian: bit i (of value 2^i) is set when frame sequence + 1 + i is there, out of order
/// 8       2      credit, big-endian: frames from sequence on that there is room for
/// ```
public struct LinkAcknowledgement: Hashable, Sendable {
  static let byteCount = 10

  public var bitmap: UInt64
  public var creditFrameCount: UInt16

  public init(bitmap: UInt64, creditFrameCount: UInt16) {
    self.bitmap = bitmap
    self.creditFrameCount = creditFrameCount
  }

  init(from reader: inout WireReader) throws(WireError) {
    bitmap = try reader.u64()
    creditFrameCount = try reader.u16()
  }

  func write(to writer: inout WireWriter) {
    writer.u64(bitmap)
    writer.u16(creditFrameCount)
  }
}
