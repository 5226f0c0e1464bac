import Dispatch
import Glibc
import Testing

/// A peer without any of the transport's code: a blocking kernel socket, which a queue of its own waits for.
final class RawSocket: Sendable {
  struct Failure: Error {
    let call: String
    let number: CInt
  }

  private let descriptor: CInt
  private let queue = DispatchQueue(label: "raw socket")

  private init(descriptor: CInt) {
    self.descriptor = descriptor
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// - Parameter receiveByteCount: Of the kernel's buffer; small ones make a sender wait soon.
  static func connect(port: UInt16, receiveByteCount: CInt? = nil) throws -> RawSocket {
    let socket = RawSocket(descriptor: try check("socket", Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)))
    try socket.setOption(IPPROTO_TCP, TCP_NODELAY, CInt(1))
    if let receiveByteCount { try socket.setOption(CInt(SOL_SOCKET), SO_RCVBUF, receiveByteCount) }
    try withLoopback(port: port) { address, length in
      _ = try check("connect", Glibc.connect(socket.descriptor, address, length))
    }
    return socket
  }

  /// Listens at a free port.
  static func listen(backlogCount: CInt = 8) throws -> (socket: RawSocket, port: UInt16) {
    let socket = RawSocket(descriptor: try check("socket", Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)))
    try withLoopback(port: 0) { address, length in
      _ = try check("bind", Glibc.bind(socket.descriptor, address, length))
    }
    _ = try check("listen", Glibc.listen(socket.descriptor, backlogCount))
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try check("getsockname", getsockname(socket.descriptor, $0, &length))
      }
    }
    return (socket, UInt16(bigEndian: address.sin_port))
  }

  func accept() async throws -> RawSocket {
    try await blocking { descriptor in
      RawSocket(descriptor: try Self.check("accept", Glibc.accept(descriptor, nil, nil)))
    }
  }

  func send(_ bytes: [UInt8]) async throws {
    try await blocking { descriptor in
      var sent = 0
      while sent < bytes.count {
        sent += try bytes[sent...].withUnsafeBytes {
          Int(
            try Self.check("send", CInt(Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)))))
        }
      }
    }
  }

  /// Sends as much as the kernel takes at once.
  func sendWithoutWaiting(_ bytes: ArraySlice<UInt8>) throws -> Int {
    let count = bytes.withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
    }
    if count < 0, errno == EAGAIN { return 0 }
    return Int(try Self.check("send", CInt(count)))
  }

  /// Fewer bytes than asked for only where the other side ended.
  func receive(_ count: Int) async throws -> [UInt8] {
    try await blocking { descriptor in
      var received: [UInt8] = []
      while received.count < count {
        let wanted = min(count - received.count, 1 << 16)
        let piece = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
          filled = Int(try Self.check("recv", CInt(recv(descriptor, buffer.baseAddress, wanted, 0))))
        }
        if piece.isEmpty { break }
        received += piece
      }
      return received
    }
  }

  /// Whether a byte is there to be read now, without taking it.
  func hasBytes() -> Bool {
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) > 0
  }

  func endOutput() throws {
    _ = try Self.check("shutdown", shutdown(descriptor, CInt(SHUT_WR)))
  }

  /// Linux answers a connect to no address by dropping the connection there is, with a reset.
  func reset() throws {
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    _ = try Self.check("connect", Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size)))
  }

  private func blocking<Result: Sendable>(_ body: @escaping @Sendable (CInt) throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        continuation.resume(with: Swift.Result { try body(descriptor) })
      }
    }
  }

  private func setOption<Value>(_ level: Int, _ name: CInt, _ value: Value) throws {
    try setOption(CInt(level), name, value)
  }

  private func setOption<Value>(_ level: CInt, _ name: CInt, _ value: Value) throws {
    _ = try withUnsafeBytes(of: value) {
      try Self.check("setsockopt", setsockopt(descriptor, level, name, $0.baseAddress, socklen_t($0.count)))
    }
  }

  private static func withLoopback(
    port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
  ) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    try withUnsafePointer(to: address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func check(_ call: String, _ result: CInt) throws -> CInt {
    guard result >= 0 else { throw Failure(call: call, number: errno) }
    return result
  }
}
