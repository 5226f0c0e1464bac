/// Builds a byte string. The counterpart of ``WireReader``.
public struct WireWriter: Sendable {
  /// One past the largest value of each variable-length form (RFC 9000 section 16).
  static let varintForms: [UInt64] = [1 << 6, 1 << 14, 1 << 30, 1 << 62]

  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  public mutating func u8(_ value: UInt8) { bytes.append(value) }
  public mutating func u16(_ value: UInt16) { bigEndian(UInt64(value), 2) }
  public mutating func u32(_ value: UInt32) { bigEndian(UInt64(value), 4) }
  public mutating func u64(_ value: UInt64) { bigEndian(value, 8) }

  /// Writes the shortest form. Values of 2^62 and above do not exist in the format.
  public mutating func varint(_ value: UInt64) {
    guard let form = Self.varintForms.firstIndex(where: { value < $0 }) else {
      preconditionFailure("a variable-length integer ends at 2^62 - 1")
    }
    let count = 1 << form
    bigEndian(value | UInt64(form) << (8 * count - 2), count)
  }

  /// What ``varint(_:)`` takes for a value.
  public static func varintByteCount(_ value: UInt64) -> Int {
    1 << (varintForms.firstIndex { value < $0 } ?? varintForms.count - 1)
  }

  public mutating func count(_ value: Int) { varint(UInt64(value)) }

  public mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }
  public mutating func raw(_ value: ArraySlice<UInt8>) { bytes.append(contentsOf: value) }

  public mutating func lengthPrefixed(_ value: [UInt8]) {
    count(value.count)
    raw(value)
  }

  public mutating func text(_ value: String) { lengthPrefixed(Array(value.utf8)) }

  public mutating func identifier<Tag>(_ value: Identifier32<Tag>) {
    u64(value.words.0)
    u64(value.words.1)
    u64(value.words.2)
    u64(value.words.3)
  }

  public mutating func identifier<Tag>(_ value: Identifier16<Tag>) {
    u64(value.words.0)
    u64(value.words.1)
  }

  private mutating func bigEndian(_ value: UInt64, _ count: Int) {
    for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
