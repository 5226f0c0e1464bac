/// Why a session ended or was never made. Equality is on the code alone.
public struct SessionError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The other side does not know the key that this workspace's (or invitation's) sessions begin with.
    case stranger
    /// A code was tried, and used up by it, and no session came of it.
    case wrongCode
    /// The handshake's messages are not authentic, or their order is wrong.
    case handshakeFailed
    /// The other side is this device.
    case ownReflection
    /// The other side is no member of the workspace, or was revoked. It is told no more than `refused`.
    case notAMember
    /// The other side refused this device.
    case refused
    /// The other side broke the protocol.
    case protocolViolation
    /// The other side speaks no version of the protocol that this one does.
    case incompatible
    /// The other side, or the link to it, did not move for too long.
    case timeout
    /// The link went away.
    case connectionLost
    /// One of the two sides ended the session in order.
    case closed
    /// The other side ended this exchange alone.
    case streamReset
    /// The local store failed.
    case storeFailed
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: SessionError, right: SessionError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
