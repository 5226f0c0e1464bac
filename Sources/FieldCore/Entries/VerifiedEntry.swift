public import FieldWire

/// An entry whose encoding, content hash and signature were checked, with its id. There is no other way to make one,
/// and stores hold nothing else. Whether the author may write is the directory's to say, at the time of the write.
public struct VerifiedEntry: Hashable, Sendable {
  public let id: EntryID
  public let entry: Entry

  public var header: EntryHeader { entry.header }

  /// - Throws: ``EntryError`` with `malformed`, `contentMismatch` or `badSignature`.
  public init(verifying entry: Entry, in workspace: WorkspaceID) throws(EntryError) {
    guard Int(entry.header.payloadByteCount) == entry.payload.count else {
      throw EntryError(.malformed, "the payload has another size than the header states")
    }
    guard Defence.contentHash.isOff || ContentHash(hash: entry.payload) == entry.header.contentHash else {
      throw EntryError(.contentMismatch, "the payload does not hash to the content hash")
    }
    let id = try EntryHead(header: entry.header, signature: entry.signature).verified(in: workspace)
    self.id = id
    self.entry = entry
  }

  /// For an entry that was just signed here.
  init(signed entry: Entry, id: EntryID) {
    self.id = id
    self.entry = entry
  }
}
