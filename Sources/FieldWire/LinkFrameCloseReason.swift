/// The body of a CLOSE frame: one byte. A reason of a later version is kept as it is and means a failure.
public struct LinkCloseReason: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Everything that was sent has been acknowledged.
  public static let normal = LinkCloseReason(rawValue: 0)
  /// The sender stops and drops what is not yet acknowledged.
  public static let abandoned = LinkCloseReason(rawValue: 1)
  /// The receiver of this frame broke a rule.
  public static let protocolViolation = LinkCloseReason(rawValue: 2)
  /// OPEN named a link protocol version that the sender does not speak.
  public static let unsupportedVersion = LinkCloseReason(rawValue: 3)
}
