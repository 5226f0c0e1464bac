import FieldWire

/// Where a side stands when a reconciliation begins, and its first step.
///
/// Body: epoch (u64), arrival (varint), entry count (varint), half of the root (8: the first half from the opener, the
/// second from the answerer), form (u8: bits 0 to 3 the kind of the move, bit 4 a base follows, bit 5 from here on only
/// what came since that base is compared, bits 6 and 7 zero), with bit 4 base tag (4) and entries since (varint), then
/// the move's body.
struct ReconcileGreeting: Hashable, Sendable {
  var epoch: StoreEpoch
  var arrival: UInt64
  var entryCount: UInt64
  var rootHalf: [UInt8]
  var base: Base?
  /// What is compared is what came since the base.
  var isScoped: Bool
  var move: ReconcileMove

  struct Base: Hashable, Sendable {
    var tag: [UInt8]
    var countSince: UInt64
  }

  var cursor: StoreCursor { StoreCursor(epoch: epoch, arrival: arrival) }

  init(head: StoreHead, rootHalf: [UInt8], base: Base? = nil, isScoped: Bool = false, move: ReconcileMove) {
    epoch = head.epoch
    arrival = head.arrival
    entryCount = head.entryCount
    self.rootHalf = rootHalf
    self.base = base
    self.isScoped = isScoped
    self.move = move
  }

  func encode(into writer: inout WireWriter) {
    writer.u64(epoch.rawValue)
    writer.varint(arrival)
    writer.varint(entryCount)
    writer.raw(rootHalf)
    writer.u8(move.kind | (base == nil ? 0 : 1 << 4) | (isScoped ? 1 << 5 : 0))
    if let base {
      writer.raw(base.tag)
      writer.varint(base.countSince)
    }
    move.encode(into: &writer)
  }

  init(from reader: inout WireReader) throws(WireError) {
    epoch = StoreEpoch(rawValue: try reader.u64())
    arrival = try reader.entryCount()
    entryCount = try reader.entryCount()
    rootHalf = try reader.raw(ReconcileSecrets.rootHalfByteCount)
    let form = try reader.u8()
    guard form >> 6 == 0 else { throw WireError(.invalidValue, "a form of \(form)") }
    isScoped = form & 1 << 5 != 0
    if form & 1 << 4 != 0 {
      base = Base(tag: try reader.raw(ReconcileSecrets.baseTagByteCount), countSince: try reader.entryCount())
    } else if isScoped {
      throw WireError(.invalidValue, "a scope without its base")
    }
    move = try ReconcileMove(kind: form & 15, from: &reader)
  }
}
