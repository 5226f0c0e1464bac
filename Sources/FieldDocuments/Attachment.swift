public import FieldCore
public import FieldWire

/// A document's reference to bytes that are kept in entries of their own, in chunks of
/// ``PayloadCipher/blobChunkByteCount`` bytes, the last one shorter.
public struct Attachment: Hashable, Sendable {
  /// The best size of pieces to read an attachment in, from its beginning: that of its chunks.
  public static let pieceByteCount = PayloadCipher.blobChunkByteCount

  /// What its author called it; not a safe file name.
  public let name: String?
  public let byteCount: Int
  /// The chunks in order, by the content hash of their entries.
  public let chunks: [ContentHash]

  /// `nil` when the number of chunks is not what `byteCount` asks for, or over ``DocumentLimits``.
  public init?(name: String?, byteCount: Int, chunks: [ContentHash]) {
    guard (0...DocumentLimits.attachmentByteCount).contains(byteCount),
      chunks.count == Self.chunkCount(byteCount: byteCount)
    else { return nil }
    self.name = name
    self.byteCount = byteCount
    self.chunks = chunks
  }

  static func chunkCount(byteCount: Int) -> Int {
    (byteCount + PayloadCipher.blobChunkByteCount - 1) / PayloadCipher.blobChunkByteCount
  }

  /// What chunk `index` holds once decrypted.
  func byteCount(ofChunk index: Int) -> Int {
    min(PayloadCipher.blobChunkByteCount, byteCount - index * PayloadCipher.blobChunkByteCount)
  }
}
