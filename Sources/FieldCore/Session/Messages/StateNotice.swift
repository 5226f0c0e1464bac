public import FieldWire

/// Where a side stands: its own store, and how far it has come with the other's.
///
/// Body: epoch (u64), arrival (varint), entry count (varint), root (16), pulled through (varint), exact (u8, 0 or 1),
/// wanted (varint).
public struct StateNotice: MessageBody, Hashable {
  public static let type = MessageType.state
  public static let rootByteCount = 16

  public var epoch: StoreEpoch
  /// The sender's newest arrival.
  public var arrival: UInt64
  public var entryCount: UInt64
  /// ``SessionSecrets/root(of:)`` of the sender's store.
  public var root: [UInt8]
  /// The receiver's arrival up to which the sender has everything, or was refused it; 0 for nothing yet.
  public var pulledThrough: UInt64
  /// What was pulled so far was listed whole in this session, or compared twice: no summary can have hidden anything.
  public var isExact: Bool
  /// Entries that the sender knows it still wants of the receiver.
  public var wantedCount: UInt64

  public init(head: StoreHead, root: [UInt8], pulledThrough: UInt64, isExact: Bool, wantedCount: UInt64) {
    epoch = head.epoch
    arrival = head.arrival
    entryCount = head.entryCount
    self.root = root
    self.pulledThrough = pulledThrough
    self.isExact = isExact
    self.wantedCount = wantedCount
  }

  public func encode(into writer: inout WireWriter) {
    writer.u64(epoch.rawValue)
    writer.varint(arrival)
    writer.varint(entryCount)
    writer.raw(root)
    writer.varint(pulledThrough)
    writer.u8(isExact ? 1 : 0)
    writer.varint(wantedCount)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    epoch = StoreEpoch(rawValue: try reader.u64())
    arrival = try reader.entryCount()
    entryCount = try reader.entryCount()
    root = try reader.raw(Self.rootByteCount)
    pulledThrough = try reader.entryCount()
    let exact = try reader.u8()
    guard exact <= 1 else { throw WireError(.invalidValue, "neither yes nor no") }
    isExact = exact == 1
    wantedCount = try reader.entryCount()
  }
}
