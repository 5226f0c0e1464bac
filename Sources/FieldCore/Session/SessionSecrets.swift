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

  /// What keys all that the two sides say about their sets.
  public var reconcile: ReconcileSecrets { ReconcileSecrets(handshakeHash: handshakeHash) }

  /// The root of a set in this session, 16 bytes.
  public func root(of head: StoreHead) -> [UInt8] { reconcile.root(of: head) }

  /// The key of the `attempt`-th summary that `author` makes in this session.
  public func summaryKey(attempt: UInt32, author: SessionHandshake.Role) -> SummaryKey {
    reconcile.bloomKey(attempt: attempt, author: author)
  }
}
