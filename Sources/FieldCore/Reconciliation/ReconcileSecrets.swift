import FieldWire
import SetReconciliation
import Sodium

/// What keys everything that two sides say to each other about their sets: the handshake hash of their session, to
/// which both contributed. So nobody can craft entries that a summary hides, and no summary means anything elsewhere.
public struct ReconcileSecrets: Sendable {
  public static let rootByteCount = 16
  /// Each side shows one half of the root: the opener the first, the answerer the second.
  public static let rootHalfByteCount = 8
  public static let baseTagByteCount = 4

  private let handshakeHash: [UInt8]

  /// - Parameter handshakeHash: 64 bytes, the same on both sides.
  public init(handshakeHash: [UInt8]) {
    self.handshakeHash = handshakeHash
  }

  /// The root of a set in this session: BLAKE2b keyed with the handshake hash over count and digest. A root of one
  /// session says nothing in another.
  public func root(of head: StoreHead) -> [UInt8] {
    hash(Domain.sessionRoot, head.entryCount, head.digest)
  }

  /// How a base is called in this session: the first bytes of such a hash.
  func tag(of base: BaseRecord) -> [UInt8] {
    Array(hash(Domain.baseTag, base.entryCount, base.digest).prefix(Self.baseTagByteCount))
  }

  private func hash(_ domain: [UInt8], _ count: UInt64, _ digest: [UInt8]) -> [UInt8] {
    var writer = WireWriter(capacity: 80)
    writer.raw(domain)
    writer.u64(count)
    writer.raw(digest)
    return Blake2b.hash(writer.bytes, byteCount: Self.rootByteCount, key: handshakeHash)
  }

  /// The key of all short ids, sketches, cells and lists of one attempt.
  func key(attempt: UInt32) -> SummaryKey {
    var writer = WireWriter(capacity: 40)
    writer.raw(Domain.ladderKey)
    writer.u32(attempt)
    return summaryKey(writer.bytes)
  }

  /// The key of the `attempt`-th Bloom summary that `author` makes in this session.
  func bloomKey(attempt: UInt32, author: SessionHandshake.Role) -> SummaryKey {
    var writer = WireWriter(capacity: 40)
    writer.raw(Domain.summaryKey)
    writer.u8(author.rawValue)
    writer.u32(attempt)
    return summaryKey(writer.bytes)
  }

  private func summaryKey(_ bytes: [UInt8]) -> SummaryKey {
    var reader = WireReader(Blake2b.hash(bytes, byteCount: SummaryKey.byteCount, key: handshakeHash))
    return SummaryKey(words: ((try? reader.u64()) ?? 0, (try? reader.u64()) ?? 0))
  }
}
