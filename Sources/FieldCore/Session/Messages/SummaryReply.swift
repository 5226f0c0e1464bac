public import FieldWire
public import SetReconciliation

/// A Bloom summary, see ``BloomSummary``. Body: probes (u8, 1 to 30), bytes (varint, 8 to 1 MiB), bits. The key is not
/// sent: both sides derive it from the session.
public struct SummaryReply: MessageBody, Hashable {
  public static let type = MessageType.summary

  private var probeCount: UInt8
  private var bits: [UInt8]

  public init(summary: BloomSummary) {
    probeCount = UInt8(summary.probeCount)
    bits = summary.bits
  }

  public func summary(key: SummaryKey) throws(WireError) -> BloomSummary {
    guard let summary = BloomSummary(bits: bits, probeCount: Int(probeCount), key: key) else {
      throw WireError(.invalidValue, "a summary out of its bounds")
    }
    return summary
  }

  public func encode(into writer: inout WireWriter) {
    writer.u8(probeCount)
    writer.lengthPrefixed(bits)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    probeCount = try reader.u8()
    bits = try reader.lengthPrefixed(limit: BloomSummary.byteLimit)
  }
}
