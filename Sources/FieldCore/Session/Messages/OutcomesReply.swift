public import FieldWire

/// What became of entries that were put. Body: count (varint, at most 1,000), then a byte each: 0 stored, 1 duplicate,
/// from 2 on refused, in the order of ``codes``.
public struct OutcomesReply: MessageBody, Hashable {
  public static let type = MessageType.outcomes

  /// Refusals by their byte less 2.
  static let codes: [EntryError.Code] = [
    .malformed, .contentMismatch, .badSignature, .unknownAuthor, .revokedAuthor, .purged, .tooLarge, .authorQuota,
    .clientQuota, .storeFull,
  ]

  static func byte(of code: EntryError.Code) -> UInt8 { UInt8(2 + (codes.firstIndex(of: code) ?? 0)) }

  static func code(of byte: UInt8) -> EntryError.Code? {
    let index = Int(byte) - 2
    return codes.indices.contains(index) ? codes[index] : nil
  }

  public var outcomes: [PutOutcome]

  public init(outcomes: [PutOutcome]) {
    self.outcomes = outcomes
  }

  public func encode(into writer: inout WireWriter) {
    writer.count(outcomes.count)
    for outcome in outcomes {
      switch outcome {
      case .stored: writer.u8(0)
      case .duplicate: writer.u8(1)
      case .refused(let code): writer.u8(Self.byte(of: code))
      }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.count(limit: StoreLimits.putEntryCount, itemByteCount: 1)
    outcomes = []
    outcomes.reserveCapacity(count)
    for _ in 0..<count {
      switch try reader.u8() {
      case 0: outcomes.append(.stored)
      case 1: outcomes.append(.duplicate)
      case let byte:
        guard let code = Self.code(of: byte) else { throw WireError(.unknownMandatory, "an unknown outcome") }
        outcomes.append(.refused(code))
      }
    }
  }
}
