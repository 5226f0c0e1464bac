import FieldWire

/// A further step of a reconciliation.
///
/// Body: kind (u8), then as ``ReconcileMove``. Of a move that is longer than a part may be, everything but its end goes
/// ahead in ``MovePart`` messages.
struct MoveMessage: MessageBody, Hashable {
  static let type = MessageType.move

  var move: ReconcileMove

  init(_ move: ReconcileMove) {
    self.move = move
  }

  func encode(into writer: inout WireWriter) {
    writer.u8(move.kind)
    move.encode(into: &writer)
  }

  init(from reader: inout WireReader) throws(WireError) {
    move = try ReconcileMove(kind: try reader.u8(), from: &reader)
  }
}
