import FieldCore

/// The bounds of documents, checked when a change is written and before anything of a received one is allocated.
public enum DocumentLimits {
  /// UTF-8 bytes of a document's or database's name: a file's path fits.
  public static let nameByteCount = 4096
  /// UTF-8 bytes of a field's name.
  public static let fieldNameByteCount = 1024
  /// Fields set or removed by one change.
  public static let operationCount = 4096
  /// UTF-8 bytes of an attachment's name.
  public static let attachmentNameByteCount = 1024
  /// Chunks of one attachment: their hashes, 32 bytes each, fit one entry.
  public static let attachmentChunkCount = 30_000
  public static let attachmentByteCount = attachmentChunkCount * PayloadCipher.blobChunkByteCount
}
