/// Reads values off the front of a byte string. Every length is checked against what is left before anything is
/// allocated, and no input traps.
///
/// Integers are big-endian. Variable-length integers are those of RFC 9000 section 16 (1, 2, 4 or 8 bytes, up to
/// 2^62 - 1), and only the shortest form is accepted, so that each value has one encoding.
public struct WireReader: Sendable {
  private let bytes: [UInt8]
  private var position: Int
  private let end: Int

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    self.position = 0
    self.end = bytes.count
  }

  public init(_ slice: ArraySlice<UInt8>) {
    self.init(Array(slice))
  }

  public var remainingByteCount: Int { end - position }
  public var isAtEnd: Bool { position == end }
  /// Bytes consumed so far.
  public var offset: Int { position }

  public mutating func u8() throws(WireError) -> UInt8 {
    try need(1)
    defer { position += 1 }
    return bytes[position]
  }

  public mutating func u16() throws(WireError) -> UInt16 { UInt16(try bigEndian(2)) }
  public mutating func u32() throws(WireError) -> UInt32 { UInt32(try bigEndian(4)) }
  public mutating func u64() throws(WireError) -> UInt64 { try bigEndian(8) }

  public mutating func varint() throws(WireError) -> UInt64 {
    try need(1)
    let form = Int(bytes[position] >> 6)
    let raw = try bigEndian(1 << form)
    let value = raw & (UInt64.max >> (64 - ((8 << form) - 2)))
    guard form == 0 || value >= WireWriter.varintForms[form - 1] else {
      throw WireError(.notCanonical, "a variable-length integer in a longer form than it needs")
    }
    return value
  }

  /// A variable-length integer that counts something, at most `limit`.
  public mutating func count(limit: Int) throws(WireError) -> Int {
    let value = try varint()
    guard value <= UInt64(clamping: limit) else {
      throw WireError(.limitExceeded, "a count of \(value), over the limit of \(limit)")
    }
    return Int(value)
  }

  /// A count of things that take at least `itemByteCount` bytes each: what is left must be able to hold them.
  public mutating func count(limit: Int, itemByteCount: Int) throws(WireError) -> Int {
    let value = try count(limit: limit)
    guard value <= remainingByteCount / max(1, itemByteCount) else {
      throw WireError(.truncated, "\(value) items announced and \(remainingByteCount) bytes left")
    }
    return value
  }

  public mutating func raw(_ count: Int) throws(WireError) -> [UInt8] {
    try need(count)
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Bytes behind a variable-length count of them, at most `limit`.
  public mutating func lengthPrefixed(limit: Int) throws(WireError) -> [UInt8] {
    try raw(try count(limit: limit))
  }

  /// UTF-8 text behind a count of its bytes.
  public mutating func text(limit: Int) throws(WireError) -> String {
    guard let text = String(validating: try lengthPrefixed(limit: limit), as: UTF8.self) else {
      throw WireError(.invalidValue, "text that is not UTF-8")
    }
    return text
  }

  public mutating func identifier<Tag>(
    _ type: Identifier32<Tag>.Type = Identifier32<Tag>.self
  ) throws(WireError)
    -> Identifier32<Tag>
  {
    try need(32)
    return Identifier32(words: (try u64(), try u64(), try u64(), try u64()))
  }

  public mutating func identifier<Tag>(
    _ type: Identifier16<Tag>.Type = Identifier16<Tag>.self
  ) throws(WireError)
    -> Identifier16<Tag>
  {
    try need(16)
    return Identifier16(words: (try u64(), try u64()))
  }

  public mutating func rest() -> [UInt8] {
    defer { position = end }
    return Array(bytes[position..<end])
  }

  public func expectEnd() throws(WireError) {
    guard isAtEnd else { throw WireError(.trailingBytes, "\(remainingByteCount) bytes after the value") }
  }

  private func need(_ count: Int) throws(WireError) {
    guard count >= 0, count <= remainingByteCount else {
      throw WireError(.truncated, "\(count) bytes wanted and \(remainingByteCount) left")
    }
  }

  private mutating func bigEndian(_ count: Int) throws(WireError) -> UInt64 {
    try need(count)
    var value: UInt64 = 0
    for index in position..<position + count { value = value << 8 | UInt64(bytes[index]) }
    position += count
    return value
  }
}
