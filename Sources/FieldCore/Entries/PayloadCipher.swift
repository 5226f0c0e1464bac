public import FieldWire
import Sodium

/// Encrypts and decrypts payloads: `nonce (24 bytes) | XChaCha20-Poly1305 of the padded content | tag (16 bytes)`.
///
/// The additional data binds a payload to its workspace, kind, database and document. A blob chunk is bound to the
/// workspace and kind alone, and its nonce is a keyed hash of the content, so that equal chunks are equal bytes
/// everywhere in a workspace, are kept once and sent once; who sees them learns only that they are equal.
public struct PayloadCipher: Sendable {
  public static let nonceByteCount = 24
  public static let tagByteCount = 16
  /// The content of a full chunk, chosen so that with the padding's marker it is 64 KiB, which pads to itself.
  public static let blobChunkByteCount = 65_535

  private let workspace: WorkspaceID
  private let keyring: ContentKeyring

  public init(workspace: WorkspaceID, keyring: ContentKeyring) {
    self.workspace = workspace
    self.keyring = keyring
  }

  /// - Throws: ``EntryError`` with `unknownKeyEpoch` when this device holds no content key, `tooLarge`.
  public func seal(
    _ content: [UInt8], kind: EntryKind, database: DatabaseID, document: DocumentID = .zero
  )
    throws(EntryError) -> (payload: [UInt8], keyEpoch: UInt32)
  {
    guard let epoch = keyring.currentEpoch else {
      throw EntryError(.unknownKeyEpoch, "this device holds no content key, so it cannot write")
    }
    let key = try keyring.key(epoch: epoch)
    let nonce: [UInt8]
    if kind == .blobChunk {
      var hash = Blake2b(byteCount: Self.nonceByteCount, key: key)
      hash.update(Domain.blobNonce)
      hash.update(content)
      nonce = hash.finalize()
    } else {
      nonce = SystemRandom.bytes(Self.nonceByteCount)
    }
    do {
      let sealed = try XChaCha20Poly1305.seal(
        Padding.pad(content), nonce: nonce, additionalData: additionalData(kind, database, document), key: key)
      guard nonce.count + sealed.count <= EntryLimits.payloadByteCount else {
        throw EntryError(.tooLarge, "\(content.count) bytes do not fit one entry; attach them as a blob")
      }
      return (nonce + sealed, epoch)
    } catch let error as EntryError {
      throw error
    } catch {
      throw EntryError(.malformed, "the content key does not fit the cipher")
    }
  }

  /// - Throws: ``EntryError`` with `unknownKeyEpoch` or `undecryptable`.
  public func open(_ payload: [UInt8], of header: EntryHeader) throws(EntryError) -> [UInt8] {
    let keys = try keyring.keys(epoch: header.keyEpoch)
    guard payload.count >= Self.nonceByteCount + Self.tagByteCount else {
      throw EntryError(.undecryptable, "shorter than a nonce and a tag")
    }
    let nonce = Array(payload[..<Self.nonceByteCount])
    let additionalData = additionalData(header.kind, header.database, header.document)
    let opened = keys.lazy.compactMap { key in
      try? XChaCha20Poly1305.open(
        payload[Self.nonceByteCount...], nonce: nonce, additionalData: additionalData, key: key)
    }
    guard let padded = opened.first else {
      throw EntryError(.undecryptable, "the payload is not authentic under its epoch's key")
    }
    guard let content = Padding.unpad(padded) else { throw EntryError(.undecryptable, "wrong padding") }
    return content
  }

  private func additionalData(_ kind: EntryKind, _ database: DatabaseID, _ document: DocumentID) -> [UInt8] {
    var writer = WireWriter(capacity: 96)
    writer.raw(Domain.payload)
    writer.identifier(workspace)
    writer.u8(kind.rawValue)
    if kind != .blobChunk {
      writer.identifier(database)
      writer.identifier(document)
    }
    return writer.bytes
  }
}
