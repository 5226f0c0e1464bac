/// Why a handshake or a message was refused. Two errors are equal when their codes are; no key or message bytes are
/// ever in the reason.
public struct NoiseError: Error, Equatable, CustomStringConvertible {
  public enum Code: Sendable {
    /// The protocol name is malformed or names a pattern, modifier or algorithm that is not here.
    case unsupportedProtocol
    /// The pattern needs a key that was not given.
    case missingKey
    /// A key was given that the pattern has no use for.
    case unexpectedKey
    /// A public or preshared key has other than 32 bytes.
    case invalidKeyLength
    /// It is the other side's turn to write, or the handshake is over.
    case outOfTurn
    /// The handshake is not over yet.
    case handshakeIncomplete
    /// The peer's public key is of low order: anybody could know the result.
    case weakKey
    /// A message ends before what the pattern says it holds.
    case truncatedMessage
    /// A message would have, or has, more than 65,535 bytes.
    case messageTooLong
    /// A message was changed, replayed, or made with other keys, another prologue or another transcript.
    case authenticationFailed
    /// Every nonce of this key was used.
    case nonceExhausted
  }

  public let code: Code
  public let reason: String

  init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public var description: String { "\(code): \(reason)" }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
