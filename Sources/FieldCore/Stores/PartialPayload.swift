public import FieldWire

/// A piece of a payload that has not come completely, for a store to keep until the rest comes.
public struct PartialPiece: Hashable, Sendable {
  public var content: ContentHash
  /// Bytes of the whole payload.
  public var payloadByteCount: Int
  /// Where the piece begins: 0, or where what is kept ends.
  public var offset: Int
  public var bytes: [UInt8]
  /// Whose store it comes from; who sends much that is never completed loses his own.
  public var source: DeviceKey

  public init(content: ContentHash, payloadByteCount: Int, offset: Int, bytes: [UInt8], source: DeviceKey) {
    self.content = content
    self.payloadByteCount = payloadByteCount
    self.offset = offset
    self.bytes = bytes
    self.source = source
  }
}

/// The bounds of what a store keeps of payloads that have not come completely.
public enum PartialLimits {
  /// All together, and what came from one device. The oldest go first.
  public static let byteCount = 64 << 20
  public static let sourceByteCount = 16 << 20
  /// What each counts beside its bytes, so that their number is bounded too.
  public static let overheadByteCount = 4096
  /// Since its last piece came.
  public static let lifetime: Duration = .seconds(7 * 24 * 3600)

  /// What is kept of one payload, as far as the limits are concerned.
  public struct Kept: Hashable, Sendable {
    public var content: ContentHash
    public var source: DeviceKey
    public var byteCount: Int
    /// When its last piece came, since any fixed moment.
    public var touched: Duration

    public init(content: ContentHash, source: DeviceKey, byteCount: Int, touched: Duration) {
      self.content = content
      self.source = source
      self.byteCount = byteCount
      self.touched = touched
    }
  }

  /// What has to go: too old (or of a time that has not come yet), or over a limit. What was touched last stays.
  public static func evicted(of kept: [Kept], now: Duration) -> [ContentHash] {
    var evicted: [ContentHash] = []
    var total = 0
    var bySource: [DeviceKey: Int] = [:]
    for partial in kept.sorted(by: { ($0.touched, $0.content) > ($1.touched, $1.content) }) {
      let byteCount = partial.byteCount + overheadByteCount
      let ofSource = bySource[partial.source, default: 0] + byteCount
      if partial.touched + lifetime < now || partial.touched > now + lifetime || ofSource > sourceByteCount
        || total + byteCount > Self.byteCount
      {
        evicted.append(partial.content)
      } else {
        bySource[partial.source] = ofSource
        total += byteCount
      }
    }
    return evicted
  }
}
