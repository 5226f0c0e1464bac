/// Why nothing can be waited for. Equality is on the code alone.
public struct ReadinessError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// No descriptors, or no thread.
    case limitExceeded
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: ReadinessError, right: ReadinessError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
