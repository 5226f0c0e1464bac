public import FieldWire
public import Sodium

/// A key that a session may begin with: who knows it is let as far as the handshake, others get no answer.
public struct SessionKey: Sendable {
  public var purpose: SessionPurpose
  public var workspace: WorkspaceID
  /// 32 bytes.
  public var secret: SecretBytes

  public init(purpose: SessionPurpose, workspace: WorkspaceID, secret: SecretBytes) {
    self.purpose = purpose
    self.workspace = workspace
    self.secret = secret
  }

  /// The key of an invitation's sessions, from the secret in its URI.
  public static func invitation(secret: [UInt8], workspace: WorkspaceID) -> SessionKey {
    SessionKey(
      purpose: .join, workspace: workspace,
      secret: SecretBytes(copying: Blake2b.hash(Domain.invitation, byteCount: 32, key: secret)))
  }

  var prologue: [UInt8] { Domain.prologue + workspace.bytes + [purpose.rawValue] }
}
