/// Why something on a message bus did not work. Equality is on the code, and on the error name of a peer's reply.
public struct DBusError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The peer answered with an error; ``DBusError/name`` says which.
    case errorReply
    /// No answer came in time.
    case timedOut
    /// The calling task was cancelled.
    case cancelled
    /// The bus is gone, or the connection was closed on this side.
    case disconnected
    /// The bus could not be reached, or did not let us in.
    case cannotConnect
    /// A message that cannot be sent as it is: invalid name, wrong type, nested too deeply.
    case invalidMessage
    /// A limit of ``ConnectionLimits``, or of the system, is reached.
    case limitExceeded
    /// The peer's answer is not of the expected shape.
    case unexpectedReply
    /// An object is already exported at that path.
    case pathInUse
    /// The bus name belongs to somebody else.
    case nameTaken
  }

  public let code: Code
  /// The D-Bus error name, of error replies only.
  public let name: String?
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.name = nil
    self.reason = reason
  }

  /// An error reply: what a peer answered, or what a handler wants to answer.
  public static func reply(_ name: String, _ reason: String) -> DBusError {
    DBusError(name: name, reason: reason)
  }

  private init(name: String, reason: String) {
    self.code = .errorReply
    self.name = name
    self.reason = reason
  }

  public static func == (left: DBusError, right: DBusError) -> Bool {
    left.code == right.code && left.name == right.name
  }

  public var description: String {
    if let name { "\(name): \(reason)" } else { "\(code.rawValue): \(reason)" }
  }
}

/// The standard error names of the D-Bus specification that this module answers with.
public enum DBusErrorName {
  public static let failed = "org.freedesktop.DBus.Error.Failed"
  public static let invalidArguments = "org.freedesktop.DBus.Error.InvalidArgs"
  public static let limitsExceeded = "org.freedesktop.DBus.Error.LimitsExceeded"
  public static let nameHasNoOwner = "org.freedesktop.DBus.Error.NameHasNoOwner"
  public static let propertyReadOnly = "org.freedesktop.DBus.Error.PropertyReadOnly"
  public static let serviceUnknown = "org.freedesktop.DBus.Error.ServiceUnknown"
  public static let unknownInterface = "org.freedesktop.DBus.Error.UnknownInterface"
  public static let unknownMethod = "org.freedesktop.DBus.Error.UnknownMethod"
  public static let unknownObject = "org.freedesktop.DBus.Error.UnknownObject"
  public static let unknownProperty = "org.freedesktop.DBus.Error.UnknownProperty"
}
