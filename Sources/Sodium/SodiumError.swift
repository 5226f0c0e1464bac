/// Why an operation of this module was refused. Two errors are equal when their codes are; no key or message bytes are
/// ever in the reason.
public struct SodiumError: Error, Equatable, CustomStringConvertible {
  public enum Code: Sendable {
    /// libsodium could not start, for want of a source of randomness.
    case initializationFailed
    /// A key, nonce, seed or public key has not the length that the algorithm asks for.
    case invalidLength
    /// The bytes were changed, cut, or made under another key.
    case authenticationFailed
    /// A public key of low order, or one that is not on the curve.
    case weakKey
    /// The machine has not the memory that a computation asks for.
    case outOfMemory
  }

  public let code: Code
  public let reason: String

  init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public var description: String { "\(code): \(reason)" }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  static func requireLength(_ count: Int, _ expected: Int, of what: String) throws(SodiumError) {
    guard count == expected else { throw Self(.invalidLength, "\(what): \(count) bytes, not \(expected)") }
  }
}
