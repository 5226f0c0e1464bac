public import FieldWire
import Sodium

/// An entry without its payload. Id and signature can be checked before a byte of the payload is there.
public struct EntryHead: Hashable, Sendable {
  public var header: EntryHeader
  public var signature: [UInt8]

  public init(header: EntryHeader, signature: [UInt8]) {
    self.header = header
    self.signature = signature
  }

  /// The id, when header and signature hold to the rules.
  ///
  /// - Throws: ``EntryError`` with `malformed` or `badSignature`.
  public func verified(in workspace: WorkspaceID) throws(EntryError) -> EntryID {
    do {
      try header.validate()
    } catch {
      throw EntryError(.malformed, error.reason)
    }
    let id = header.id(in: workspace)
    guard
      Defence.signature.isOff
        || Ed25519.isValid(signature: signature, message: Entry.signedBytes(of: id), publicKey: header.author.bytes)
    else {
      throw EntryError(.badSignature, "not the author's signature in this workspace")
    }
    return id
  }
}
