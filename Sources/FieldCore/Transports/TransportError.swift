/// Why a connection cannot be made or went away. Equality is on the code alone.
public struct TransportError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// Nobody answers at the address, in the time that the transport allows.
    case unreachable
    /// The address is not one of this transport.
    case badAddress
    /// The link went away.
    case connectionLost
    /// This side closed the connection.
    case closed
    /// The peer broke the transport's own rules.
    case protocolViolation
    /// A message over the connection's maximum.
    case messageTooLarge
    /// The machine cannot do it now: no adapter, no bus, no permission, address in use.
    case unavailable
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  public static func == (left: TransportError, right: TransportError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
