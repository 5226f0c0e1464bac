import DBus

/// Why something that was asked of bluetoothd, or of one of its sockets, did not work. Equality is on the code alone.
public struct BlueZError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    // What bluetoothd answers: the raw value is the name after `org.bluez.Error.`.
    case alreadyConnected = "AlreadyConnected"
    case alreadyExists = "AlreadyExists"
    case authenticationCanceled = "AuthenticationCanceled"
    case authenticationFailed = "AuthenticationFailed"
    case authenticationRejected = "AuthenticationRejected"
    case authenticationTimeout = "AuthenticationTimeout"
    case blocked = "Blocked"
    case canceled = "Canceled"
    case connectionAttemptFailed = "ConnectionAttemptFailed"
    case doesNotExist = "DoesNotExist"
    case failed = "Failed"
    case improperlyConfigured = "ImproperlyConfigured"
    case inProgress = "InProgress"
    case invalidArguments = "InvalidArguments"
    case invalidLength = "InvalidLength"
    case invalidOffset = "InvalidOffset"
    case invalidValueLength = "InvalidValueLength"
    case notAuthorized = "NotAuthorized"
    case notAvailable = "NotAvailable"
    case notConnected = "NotConnected"
    case notPermitted = "NotPermitted"
    case notReady = "NotReady"
    case notSupported = "NotSupported"
    case rejected = "Rejected"

    // Our own kinds.
    /// bluetoothd does not run, or stopped meanwhile.
    case serviceGone = "own.serviceGone"
    /// bluetoothd runs and does not answer in time.
    case timedOut = "own.timedOut"
    /// The calling task was cancelled.
    case cancelled = "own.cancelled"
    /// The message bus is gone; open another client.
    case busLost = "own.busLost"
    /// The adapter, device or characteristic does not exist (any more).
    case objectGone = "own.objectGone"
    /// bluetoothd's answer is not of the expected shape.
    case unexpectedReply = "own.unexpectedReply"
    /// The other end of an attribute socket is closed.
    case linkClosed = "own.linkClosed"
    /// A limit of ours or of the system.
    case limitExceeded = "own.limitExceeded"
    /// Any other error of D-Bus.
    case other = "own.other"
  }

  public let code: Code
  /// bluetoothd's text where it has one; of `failed` it is the part that tells, such as `le-connection-abort-by-local`.
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  init(_ error: DBusError) {
    self.init(BlueZError.code(of: error), error.reason)
  }

  private static let prefix = "org.bluez.Error."

  private static func code(of error: DBusError) -> Code {
    switch error.code {
    case .timedOut: return .timedOut
    case .cancelled: return .cancelled
    case .disconnected, .cannotConnect: return .busLost
    case .limitExceeded: return .limitExceeded
    case .unexpectedReply: return .unexpectedReply
    case .invalidMessage, .pathInUse, .nameTaken: return .other
    case .errorReply: break
    }
    guard let name = error.name else { return .other }
    if name.hasPrefix(prefix) {
      guard let code = Code(rawValue: String(name.dropFirst(prefix.count))), !code.isOwn else { return .other }
      return code
    }
    switch name {
    case DBusErrorName.serviceUnknown, DBusErrorName.nameHasNoOwner: return .serviceGone
    // The bus answers for a service that leaves with calls unanswered.
    case "org.freedesktop.DBus.Error.NoReply": return .serviceGone
    case DBusErrorName.unknownObject, DBusErrorName.unknownInterface, DBusErrorName.unknownMethod: return .objectGone
    case DBusErrorName.invalidArguments: return .invalidArguments
    default: return .other
    }
  }

  /// What to answer bluetoothd with.
  var asReply: DBusError {
    let code = self.code.isOwn ? Code.failed : self.code
    return .reply(BlueZError.prefix + code.rawValue, reason)
  }

  public static func == (left: BlueZError, right: BlueZError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}

extension BlueZError.Code {
  /// Whether the code is not one of bluetoothd's.
  public var isOwn: Bool { rawValue.hasPrefix("own.") }
}
