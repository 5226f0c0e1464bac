import FieldWire

/// Begins another reconciliation in a session, under a new key; the answer is of the same kind.
///
/// Body: attempt (varint, from 1), then as ``ReconcileGreeting``.
struct CompareRequest: MessageBody, Hashable {
  static let type = MessageType.compare

  var attempt: UInt32
  var greeting: ReconcileGreeting

  init(attempt: UInt32, greeting: ReconcileGreeting) {
    self.attempt = attempt
    self.greeting = greeting
  }

  func encode(into writer: inout WireWriter) {
    writer.varint(UInt64(attempt))
    greeting.encode(into: &writer)
  }

  init(from reader: inout WireReader) throws(WireError) {
    attempt = UInt32(try reader.count(limit: 1 << 16))
    greeting = try ReconcileGreeting(from: &reader)
  }
}
