import Foundation
import Synchronization
import Testing

/// Stands between two ends of TCP connections, passes everything on, and keeps every byte: what somebody on the wire
/// has after it all.
final class RecordingProxy: Sendable {
  let address: String
  private let listener: CInt
  private let target: UInt16
  private let recorded = Mutex<[UInt8]>([])

  init(to address: String) throws {
    target = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    listener = descriptor
    let isBound = Self.withLoopback(port: 0) { Glibc.bind(descriptor, $0, $1) == 0 }
    try #require(isBound && Glibc.listen(descriptor, 8) == 0)
    var own = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isNamed = withUnsafeMutablePointer(to: &own) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
    }
    try #require(isNamed)
    self.address = "tcp://127.0.0.1:\(UInt16(bigEndian: own.sin_port))"
    Thread { [self] in accept() }.start()
  }

  /// Everything that went either way.
  var bytes: [UInt8] { recorded.withLock { $0 } }

  /// Ends the thread that waits for connections.
  func stop() { shutdown(listener, CInt(SHUT_RDWR)) }

  private func accept() {
    while true {
      let near = Glibc.accept(listener, nil, nil)
      guard near >= 0 else { break }
      let far = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
      guard Self.withLoopback(port: target, { Glibc.connect(far, $0, $1) == 0 }) else {
        close(near)
        close(far)
        continue
      }
      let ends = Ends(near: near, far: far)
      Thread { [self] in pass(near, far, ends) }.start()
      Thread { [self] in pass(far, near, ends) }.start()
    }
    close(listener)
  }

  /// Both descriptors are closed when both directions are over.
  private final class Ends: Sendable {
    let near: CInt
    let far: CInt
    private let open = Mutex(2)

    init(near: CInt, far: CInt) {
      self.near = near
      self.far = far
    }

    func oneIsOver() {
      let left = open.withLock { open in
        open -= 1
        return open
      }
      guard left == 0 else { return }
      close(near)
      close(far)
    }
  }

  private func pass(_ source: CInt, _ sink: CInt, _ ends: Ends) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(source, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      recorded.withLock { $0 += buffer[..<count] }
      var sent = 0
      while sent < count {
        let more = buffer[sent..<count].withUnsafeBytes {
          send(sink, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard more > 0 else { break }
        sent += more
      }
      if sent < count { break }
    }
    shutdown(sink, CInt(SHUT_WR))
    ends.oneIsOver()
  }

  private static func withLoopback<Result>(
    port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
