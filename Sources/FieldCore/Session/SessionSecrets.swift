public import FieldWire
import Noise
public import SetReconciliation
import Sodium

/// What a handshake leaves: who the peer is, and the keys of this session.
public struct SessionSecrets: Sendable {
  public let peer: DeviceKey
  public let role: SessionHandshake.Role
  public let key: SessionKey
  /// Names this session and no other; both sides have it, and nobody else.
  let handshakeHash: [UInt8]
  var sending: CipherState
  var receiving: CipherState

  public var purpose: SessionPurpose { key.purpose }
  public var workspace: WorkspaceID { key.workspace }

  /// What people compare on both screens: equal exactly when both are ends of this one session.
  public var checkBytes: [UInt8] {
    Array(Blake2b.hash(Domain.checkWords, byteCount: 16, key: handshakeHash).prefix(4))
  }

  /// The root of a set in this session: 16 bytes, BLAKE2b keyed with the handshake hash over count and digest. A root
  /// of one session says nothing in another.
  public func root(of head: StoreHead) -> [UInt8] {
    var writer = WireWriter(capacity: 80)
    writer.raw(Domain.sessionRoot)
    writer.u64(head.entryCount)
    writer.raw(head.digest)
    return Blake2b.hash(writer.bytes, byteCount: StateNotice.rootByteCount, key: handshakeHash)
  }

  /// The key of the `attempt`-th summary that `author` makes in this session.
  public func summaryKey(attempt: UInt32, author: SessionHandshake.Role) -> SummaryKey {
    var writer = WireWriter(capacity: 40)
    writer.raw(Domain.summaryKey)
    writer.u8(author.rawValue)
    writer.u32(attempt)
    var reader = WireReader(Blake2b.hash(writer.bytes, byteCount: SummaryKey.byteCount, key: handshakeHash))
    return SummaryKey(words: ((try? reader.u64()) ?? 0, (try? reader.u64()) ?? 0))
  }
}
