public import FieldWire

/// Which of the ids that were asked about are there. Body: count (varint, at most 1,000), then a bit for each, bit i in
/// byte i / 8, least significant first; spare bits are zero.
public struct ContainedReply: MessageBody, Hashable {
  public static let type = MessageType.bitmap

  public var isContained: [Bool]

  public init(isContained: [Bool]) {
    self.isContained = isContained
  }

  public func encode(into writer: inout WireWriter) {
    var bits = [UInt8](repeating: 0, count: (isContained.count + 7) / 8)
    for (index, value) in isContained.enumerated() where value { bits[index / 8] |= 1 << UInt8(index % 8) }
    writer.count(isContained.count)
    writer.raw(bits)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.count(limit: StoreLimits.idCount)
    let bits = try reader.raw((count + 7) / 8)
    if count % 8 != 0, let last = bits.last, last >> UInt8(count % 8) != 0 {
      throw WireError(.notCanonical, "spare bits that are not zero")
    }
    isContained = (0..<count).map { bits[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
  }
}
