/// Bytes that are not what the format says. Equality is on the code alone.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The bytes end before the value does.
    case truncated
    /// Bytes are left after the value.
    case trailingBytes
    /// The value has a shorter or differently ordered encoding, which is the only valid one.
    case notCanonical
    /// A length or count is over the format's limit.
    case limitExceeded
    /// A version, kind or mandatory field that this implementation does not know.
    case unknownMandatory
    /// The bytes are well formed and mean nothing valid.
    case invalidValue
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: WireError, right: WireError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
