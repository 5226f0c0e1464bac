import FieldWire

extension WireReader {
  /// The most entries, and the highest arrival, that anything in a session speaks of: so much that no store comes near,
  /// and so little that sums of them fit everywhere.
  static let entryCountLimit: UInt64 = 1 << 48

  /// A number of entries, or an arrival: a variable-length integer of at most ``entryCountLimit``.
  mutating func entryCount() throws(WireError) -> UInt64 {
    let value = try varint()
    guard value <= Self.entryCountLimit else { throw WireError(.limitExceeded, "\(value) entries, or arrivals") }
    return value
  }
}
