public import FieldWire
import Sodium

/// What is signed of an entry. One header has exactly one encoding:
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | kind, see ``EntryKind`` |
/// | 2 | 16 | database |
/// | 18 | 16 | document; zero for directory entries and blob chunks |
/// | 34 | 32 | author's public key |
/// | 66 | 8 | author's sequence number in this database, from 1 |
/// | 74 | 32 | id of the author's previous entry in this database; zero exactly when the sequence is 1 |
/// | 106 | 4 | key epoch; zero exactly when the payload is not encrypted, which only directory entries are |
/// | 110 | 32 | content hash: BLAKE2b-256 of the payload |
/// | 142 | 4 | payload bytes, at most 1 MiB |
/// | 146 | 1 | count n of dependencies, at most 64 |
/// | 147 | 32 n | dependencies, ids in strictly ascending order |
///
/// Integers are big-endian. The header holds no name and no time: those are in the payload.
public struct EntryHeader: Hashable, Sendable {
  public static let version: UInt8 = 1

  public var kind: EntryKind
  public var database: DatabaseID
  public var document: DocumentID
  public var author: DeviceKey
  public var sequence: UInt64
  public var previous: EntryID
  public var keyEpoch: UInt32
  public var contentHash: ContentHash
  public var payloadByteCount: UInt32
  public var dependencies: [EntryID]

  public init(
    kind: EntryKind, database: DatabaseID, document: DocumentID, author: DeviceKey, sequence: UInt64,
    previous: EntryID, keyEpoch: UInt32, contentHash: ContentHash, payloadByteCount: UInt32, dependencies: [EntryID]
  ) {
    self.kind = kind
    self.database = database
    self.document = document
    self.author = author
    self.sequence = sequence
    self.previous = previous
    self.keyEpoch = keyEpoch
    self.contentHash = contentHash
    self.payloadByteCount = payloadByteCount
    self.dependencies = dependencies
  }

  public var encodedByteCount: Int { EntryLimits.fixedHeaderByteCount + EntryID.byteCount * dependencies.count }

  public func encode(into writer: inout WireWriter) {
    writer.u8(Self.version)
    writer.u8(kind.rawValue)
    writer.identifier(database)
    writer.identifier(document)
    writer.identifier(author)
    writer.u64(sequence)
    writer.identifier(previous)
    writer.u32(keyEpoch)
    writer.identifier(contentHash)
    writer.u32(payloadByteCount)
    writer.u8(UInt8(dependencies.count))
    for dependency in dependencies { writer.identifier(dependency) }
  }

  public var encoded: [UInt8] {
    var writer = WireWriter(capacity: encodedByteCount)
    encode(into: &writer)
    return writer.bytes
  }

  /// Reads a header off the front of `reader` and holds it to every rule of the table.
  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.u8() == Self.version else { throw WireError(.unknownMandatory, "an entry version that is not 1") }
    guard let kind = EntryKind(rawValue: try reader.u8()) else {
      throw WireError(.unknownMandatory, "an unknown entry kind")
    }
    self.kind = kind
    database = try reader.identifier()
    document = try reader.identifier()
    author = try reader.identifier()
    sequence = try reader.u64()
    previous = try reader.identifier()
    keyEpoch = try reader.u32()
    contentHash = try reader.identifier()
    payloadByteCount = try reader.u32()
    let count = Int(try reader.u8())
    guard count <= EntryLimits.dependencyCount else { throw WireError(.limitExceeded, "\(count) dependencies") }
    guard reader.remainingByteCount >= count * EntryID.byteCount else {
      throw WireError(.truncated, "\(count) dependencies announced")
    }
    dependencies = []
    dependencies.reserveCapacity(count)
    for _ in 0..<count { dependencies.append(try reader.identifier()) }
    try validate()
  }

  /// The rules between fields. A header that breaks one has no encoding.
  public func validate() throws(WireError) {
    guard sequence >= 1, (sequence == 1) == (previous == .zero) else {
      throw WireError(.invalidValue, "the author's chain starts at 1, with no previous entry")
    }
    guard (keyEpoch == 0) == (kind == .directory) else {
      throw WireError(.invalidValue, "only directory entries are unencrypted")
    }
    guard (kind == .directory || kind == .blobChunk) == (document == .zero) else {
      throw WireError(.invalidValue, "a document where there is none, or none where there is one")
    }
    guard (kind == .directory) == (database == Directory.database) else {
      throw WireError(.invalidValue, "directory entries live in the directory's database, and nothing else does")
    }
    guard payloadByteCount <= EntryLimits.payloadByteCount else {
      throw WireError(.limitExceeded, "a payload of \(payloadByteCount) bytes")
    }
    guard dependencies.count <= EntryLimits.dependencyCount else {
      throw WireError(.limitExceeded, "\(dependencies.count) dependencies")
    }
    guard zip(dependencies, dependencies.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw WireError(.notCanonical, "dependencies out of order")
    }
  }

  /// The entry's id: BLAKE2b-256 over a domain string, the workspace and the header. The workspace is bound here, so an
  /// entry cannot be moved to another one.
  public func id(in workspace: WorkspaceID) -> EntryID {
    var writer = WireWriter(capacity: Domain.entryID.count + 32 + encodedByteCount)
    writer.raw(Domain.entryID)
    writer.identifier(workspace)
    encode(into: &writer)
    return EntryID(hash: writer.bytes)
  }
}
