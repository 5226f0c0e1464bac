public import FieldWire

/// The end of every message body: zero or more fields `key (varint) | length (varint) | bytes`, keys in strictly
/// ascending order. A field with an odd key may be skipped by who does not know it; one with an even key must be
/// understood, so it ends the session. None is defined in version 1.
public enum MessageExtensions {
  static let fieldByteLimit = 4096
  static let fieldLimit = 32

  public static func read(from reader: inout WireReader) throws(WireError) {
    var last: UInt64?
    var count = 0
    while !reader.isAtEnd {
      let key = try reader.varint()
      if let last, key <= last { throw WireError(.notCanonical, "extension fields out of order") }
      guard key & 1 == 1 else { throw WireError(.unknownMandatory, "a mandatory field \(key) that is not known here") }
      _ = try reader.lengthPrefixed(limit: fieldByteLimit)
      count += 1
      guard count <= fieldLimit else { throw WireError(.limitExceeded, "more than \(fieldLimit) extension fields") }
      last = key
    }
  }
}
