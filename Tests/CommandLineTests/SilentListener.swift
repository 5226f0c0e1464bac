import Glibc
import Testing

/// An address at which connections are made, and never a byte comes back.
final class SilentListener {
  let address: String
  private let file: Int32

  init() throws {
    file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &place) { [file] place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, length) == 0 && listen(file, 8) == 0 && getsockname(file, $0, &length) == 0
      }
    }
    address = "tcp://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    try #require(isListening)
  }

  deinit { close(file) }
}
