import Glibc

/// Why a channel cannot be made or went away. Equality is on the code alone.
public struct L2CAPError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The kernel has no Bluetooth, or the process may not use it (a service's address families).
    case unsupported
    case notPermitted
    /// No adapter has the local address.
    case noAdapter
    /// Another socket listens on the PSM, or all dynamic ones are taken.
    case addressInUse
    /// The peer is there and does not take the channel.
    case refused
    /// No link to the peer came about.
    case unreachable
    case timedOut
    /// The channel or the link below it is gone.
    case connectionLost
    /// A packet is larger than the peer takes.
    case packetTooLarge
    /// This side closed the channel or the listener.
    case closed
    /// The task was cancelled.
    case cancelled
    /// No descriptors, memory or threads.
    case limitExceeded
    /// What the kernel is not expected to say.
    case failed
  }

  public let code: Code
  public let reason: String

  public init(_ code: Code, _ reason: String) {
    self.code = code
    self.reason = reason
  }

  /// What the kernel said when it was asked to do `call`.
  init(errno number: Int32, _ call: String) {
    let code: Code =
      switch number {
      case EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT: .unsupported
      case EPERM, EACCES: .notPermitted
      case EADDRNOTAVAIL, ENODEV: .noAdapter
      case EADDRINUSE: .addressInUse
      case ECONNREFUSED: .refused
      case EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH, EBUSY, ENOSYS, ENOLINK, EMLINK: .unreachable
      case ETIMEDOUT: .timedOut
      case ECONNRESET, ECONNABORTED, EPIPE, ENOTCONN, ESHUTDOWN: .connectionLost
      case EMSGSIZE: .packetTooLarge
      case EMFILE, ENFILE, ENOMEM, ENOBUFS: .limitExceeded
      default: .failed
      }
    self.init(code, "\(call): \(String(cString: strerror(number)))")
  }

  public static func == (left: L2CAPError, right: L2CAPError) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue): \(reason)" }
}
