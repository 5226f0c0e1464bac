import Foundation
import Synchronization

/// Bogus peers, thousands of them, from some addresses of this machine: connections that never speak, that speak half a
/// message, garbage, or what a handshake could begin with.
final class Flood: Sendable {
  /// Connections that are held open; the oldest is cut for a new one.
  private static let openLimit = 400
  /// Between two connections, in milliseconds, so that the machine's processors are not what is measured.
  private static let pause: CInt = 2

  private struct State {
    var made = 0
    var isStopping = false
  }

  private let port: UInt16
  private let state = Mutex(State())

  /// - Parameter address: `tcp://127.0.0.1:PORT`.
  init?(of address: String) {
    guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else { return nil }
    self.port = port
    Thread { [self] in run() }.start()
  }

  var madeCount: Int { state.withLock(\.made) }

  func stop() { state.withLock { $0.isStopping = true } }

  private func run() {
    var open: [CInt] = []
    var number = 0
    var random = SystemRandomNumberGenerator()
    while !state.withLock(\.isStopping) {
      number += 1
      if let descriptor = connect(from: UInt32(2 + number % 7)) {
        let words: [[UInt8]] = [
          [], [0, 0, 0, 48, 1, 2, 3], [0xff, 0xff, 0xff, 0xff],
          [0, 0, 0, 48] + (0..<48).map { _ in UInt8.random(in: 0...255, using: &random) },
          [0, 0, 4, 0] + (0..<1024).map { _ in UInt8.random(in: 0...255, using: &random) },
        ]
        let bytes = words[number % words.count]
        if !bytes.isEmpty { _ = Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
        open.append(descriptor)
        state.withLock { $0.made += 1 }
      }
      if open.count > Self.openLimit { close(open.removeFirst()) }
      // Not a wait for anything: the attacker's pace.
      poll(nil, 0, Self.pause)
    }
    for descriptor in open { close(descriptor) }
  }

  private func connect(from host: UInt32) -> CInt? {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var noLinger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &noLinger, socklen_t(MemoryLayout<linger>.size))
    let isBound = Self.withLoopback(host, port: 0) { Glibc.bind(descriptor, $0, $1) == 0 }
    let isOnItsWay = Self.withLoopback(1, port: port) { Glibc.connect(descriptor, $0, $1) == 0 || errno == EINPROGRESS }
    guard isBound, isOnItsWay else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  private static func withLoopback<Result>(
    _ host: UInt32, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = (0x7f00_0000 | host).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
