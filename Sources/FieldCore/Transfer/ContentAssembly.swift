import FieldWire

/// Puts one payload after the other together out of the pieces that come, and says what of it is to be kept.
struct ContentAssembly: Sendable {
  private let source: DeviceKey
  private var index: Int?
  private var content = ContentHash.zero
  private var byteCount = 0
  private var bytes: [UInt8] = []
  private var keptByteCount = 0

  init(source: DeviceKey) {
    self.source = source
  }

  /// Whether a payload has begun and not ended.
  var isOpen: Bool { index != nil }

  /// - Parameter prefix: What is kept already; empty to start over.
  mutating func start(_ header: EntryHeader, index: Int, prefix: [UInt8]) {
    self.index = index
    content = header.contentHash
    byteCount = Int(header.payloadByteCount)
    bytes = prefix
    bytes.reserveCapacity(byteCount)
    keptByteCount = prefix.count
  }

  mutating func append(_ piece: [UInt8]) throws(StoreError) {
    guard index != nil, bytes.count + piece.count <= byteCount else {
      throw StoreError(.protocolViolation, "more of a payload than there is")
    }
    bytes += piece
  }

  /// The payload, once it has come to its end, with its place in the request.
  mutating func takeComplete() -> (index: Int, payload: [UInt8])? {
    guard let index, bytes.count == byteCount else { return nil }
    self.index = nil
    defer { bytes = [] }
    return (index, bytes)
  }

  /// What came since the last piece that was kept, of a payload that is not complete.
  mutating func pieceToKeep(atLeast limit: Int) -> PartialPiece? {
    guard index != nil, bytes.count < byteCount, bytes.count - keptByteCount >= limit else { return nil }
    defer { keptByteCount = bytes.count }
    return PartialPiece(
      content: content, payloadByteCount: byteCount, offset: keptByteCount, bytes: Array(bytes[keptByteCount...]),
      source: source)
  }
}
