/// What an entry's payload holds. The raw value is the header's second byte.
public enum EntryKind: UInt8, Sendable, CaseIterable, Comparable {
  /// Who belongs to the workspace, and the content keys, sealed. Its payload is not encrypted: relays check membership.
  case directory = 1
  /// Operations on a document.
  case documentChange = 2
  /// The state of a document after the entries that it names, to cut replay.
  case snapshot = 3
  /// A document's end.
  case delete = 4
  /// A deleted document's return.
  case undelete = 5
  /// A piece of an attachment.
  case blobChunk = 6

  public static func < (left: EntryKind, right: EntryKind) -> Bool { left.rawValue < right.rawValue }
}
