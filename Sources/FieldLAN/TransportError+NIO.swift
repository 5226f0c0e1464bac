import FieldCore
import Glibc
import NIOCore
import NIOPosix

extension TransportError {
  /// An error on a connection that was open.
  init(losing error: any Error) {
    let isReset = [ECONNRESET, EPIPE].contains((error as? IOError)?.errnoCode)
    self.init(.connectionLost, isReset ? "the peer reset the connection" : "the connection was lost")
  }

  /// An error of an attempt to connect.
  init(connecting error: any Error) {
    switch error {
    case is CancellationError:
      self.init(.closed, "the call was cancelled")
    case let error as NIOConnectionError:
      if let failure = error.connectionErrors.first {
        self.init(connecting: failure.error)
      } else if error.dnsAError != nil || error.dnsAAAAError != nil {
        self.init(.unreachable, "the name is not known")
      } else {
        self.init(.unreachable, "no answer in time")
      }
    case let error as IOError:
      switch error.errnoCode {
      case ECONNREFUSED: self.init(.unreachable, "the machine is there, but nothing listens at that port")
      case EHOSTUNREACH, ENETUNREACH, ENETDOWN: self.init(.unreachable, "there is no route to the address")
      case EACCES, EPERM: self.init(.unavailable, "this machine does not allow the connection")
      case EMFILE, ENFILE: self.init(.unavailable, "too many files are open")
      default: self.init(.unreachable, Self.text(ofErrno: error.errnoCode))
      }
    default:
      self.init(.unreachable, "no answer in time")
    }
  }

  /// An error of an attempt to listen.
  init(listening error: any Error, at endpoint: TCPEndpoint) {
    guard let error = error as? IOError else {
      self.init(.badAddress, "cannot listen at \(endpoint): the name is not known")
      return
    }
    let reason =
      switch error.errnoCode {
      case EADDRINUSE: "another program listens there"
      case EADDRNOTAVAIL: "it is not an address of this machine"
      case EACCES, EPERM: "ports below 1024 need a privilege"
      default: Self.text(ofErrno: error.errnoCode)
      }
    self.init(.unavailable, "cannot listen at \(endpoint): \(reason)")
  }

  private static func text(ofErrno number: CInt) -> String {
    // The reentrant form: `strerror` shares one buffer between threads.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
        return "error \(number)"
      }
      return String(cString: start)
    }
  }
}
