public import FieldWire

/// What a relay takes in at most. What it needs beyond that it makes room for by dropping payloads; `nil` is no bound.
public struct StoreQuota: Hashable, Sendable {
  /// Of everything, headers included. The file is some percent larger.
  public var totalByteCount: UInt64?
  /// Of one author's entries, whoever brought them.
  public var authorByteCount: UInt64?
  /// Of the entries that one device brought, whoever wrote them.
  public var clientByteCount: UInt64?
  /// Whether, where nothing else is left to drop, payloads go that no other device is known to have.
  public var dropsUnacknowledged: Bool

  /// What a relay keeps to that was told nothing else: no author and no client can fill it alone.
  public static let usual = StoreQuota(
    totalByteCount: 8 << 30, authorByteCount: 4 << 30, clientByteCount: 4 << 30, dropsUnacknowledged: false)

  public init(
    totalByteCount: UInt64?, authorByteCount: UInt64?, clientByteCount: UInt64?, dropsUnacknowledged: Bool = false
  ) {
    self.totalByteCount = totalByteCount
    self.authorByteCount = authorByteCount
    self.clientByteCount = clientByteCount
    self.dropsUnacknowledged = dropsUnacknowledged
  }
}

/// What is in a store, as a ``StoreQuota`` counts it.
public struct StoreUsage: Hashable, Sendable {
  public struct Amount: Hashable, Sendable {
    public var entryCount: UInt64 = 0
    public var byteCount: UInt64 = 0

    public init(entryCount: UInt64 = 0, byteCount: UInt64 = 0) {
      self.entryCount = entryCount
      self.byteCount = byteCount
    }
  }

  public var total = Amount()
  public var authors: [DeviceKey: Amount] = [:]
  /// By the device that brought the entries.
  public var clients: [DeviceKey: Amount] = [:]
  /// Entries whose payloads were dropped; their headers are counted above.
  public var droppedCount: UInt64 = 0

  public init() {}
}
