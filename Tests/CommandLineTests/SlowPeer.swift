import Foundation
import Testing

/// A connection that begins a message and never ends it.
final class SlowPeer {
  private let descriptor: CInt
  /// Nothing is ever said to it, so all that can be read is the end.
  private(set) var isOver = false

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    let start: [UInt8] = [0, 0, 0, 48]
    send(descriptor, start, start.count, CInt(MSG_NOSIGNAL))
  }

  deinit { close(descriptor) }

  func sayAByte() {
    guard !isOver else { return }
    var byte: UInt8 = 0
    let flags = CInt(MSG_DONTWAIT)
    let count = recv(descriptor, &byte, 1, flags)
    isOver = count == 0 || (count < 0 && errno != EAGAIN)
    // Forty-eight of them would make a message.
    if !isOver, Int.random(in: 0..<20) == 0 { send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) }
  }
}
