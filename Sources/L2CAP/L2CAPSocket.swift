import CBluetooth
import Glibc
import Readiness
import Synchronization

/// A socket of the kernel's L2CAP with one owner, closed at the latest when it is dropped. All system calls are here.
///
/// It never blocks. Debian's kernel 6.1 holds a socket's lock while a blocking `recv` waits and takes the same lock
/// where packets come in, so that one such call stops the whole adapter.
final class L2CAPSocket: Sendable {
  private let raw: Mutex<Int32>

  private init(owning raw: Int32) { self.raw = Mutex(raw) }

  deinit { close() }

  /// A socket that is bound: a socket that is not takes a peer's address for one of classic Bluetooth, and connecting
  /// then hangs. `BT_MODE`, the other way to make it an LE socket, is unknown to kernels without "enhanced credits".
  ///
  /// - Parameters:
  ///   - psm: Zero for none of its own (to connect), or for the next dynamic one that is free (to listen).
  ///   - receiveByteCount: What a packet may have that comes in. It is set here, before the channel is made, because
  ///     the kernel derives from it how many packets a peer may send ahead; its own 672 bytes allow three.
  init(boundTo address: LowEnergyAddress, psm: UInt16, receiveByteCount: UInt16) throws(L2CAPError) {
    let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let raw = socket(CBLUETOOTH_AF_BLUETOOTH, kind, CBLUETOOTH_BTPROTO_L2CAP)
    guard raw >= 0 else { throw L2CAPError(errno: errno, "socket") }
    self.raw = Mutex(raw)
    try perform("bind") { raw in Self.with(address.socketAddress(psm: psm)) { Glibc.bind(raw, $0, $1) } }
    var byteCount = receiveByteCount
    try perform("setsockopt(BT_RCVMTU)") { raw in
      setsockopt(
        raw, CBLUETOOTH_SOL_BLUETOOTH, CBLUETOOTH_BT_RCVMTU, &byteCount, socklen_t(MemoryLayout<UInt16>.size))
    }
  }

  /// For as long as the socket is open.
  var descriptor: Int32? { raw.withLock { $0 >= 0 ? $0 : nil } }

  var isOpen: Bool { descriptor != nil }

  func close() {
    guard
      let descriptor = raw.withLock({ raw -> Int32? in
        guard raw >= 0 else { return nil }
        defer { raw = -1 }
        return raw
      })
    else { return }
    ReadinessPoller.shared.wake(descriptor)
    _ = Glibc.close(descriptor)
  }

  func listen(backlog: Int32) throws(L2CAPError) { try perform("listen") { Glibc.listen($0, backlog) } }

  /// The PSM that it is bound to.
  func psm() throws(L2CAPError) -> UInt16 {
    var address = CBluetooth_sockaddr_l2()
    var length = socklen_t(MemoryLayout<CBluetooth_sockaddr_l2>.size)
    try perform("getsockname") { raw in
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) }
      }
    }
    return UInt16(littleEndian: address.psm)
  }

  /// Begins to connect. The channel is there, or failed, when the socket can be written: ``connectionError()`` tells.
  func connect(to address: LowEnergyAddress, psm: UInt16) throws(L2CAPError) {
    try perform("connect") { raw in
      let result = Self.with(address.socketAddress(psm: psm)) { Glibc.connect(raw, $0, $1) }
      return result < 0 && errno == EINPROGRESS ? 0 : result
    }
  }

  /// How connecting ended; nil when it succeeded.
  func connectionError() throws(L2CAPError) -> L2CAPError? {
    var number: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    try perform("getsockopt(SO_ERROR)") { getsockopt($0, SOL_SOCKET, SO_ERROR, &number, &length) }
    return number == 0 ? nil : L2CAPError(errno: number, "connect")
  }

  /// The next channel that a peer opened; nil when there is none.
  func accept() throws(L2CAPError) -> (socket: L2CAPSocket, peer: LowEnergyAddress?)? {
    var address = CBluetooth_sockaddr_l2()
    guard let accepted = try attempt("accept", { CBluetooth_accept($0, &address) }) else { return nil }
    return (L2CAPSocket(owning: accepted), LowEnergyAddress(address))
  }

  /// The largest packet that the peer takes.
  func sendByteCount() throws(L2CAPError) -> Int {
    var byteCount: UInt16 = 0
    var length = socklen_t(MemoryLayout<UInt16>.size)
    try perform("getsockopt(BT_SNDMTU)") {
      getsockopt($0, CBLUETOOTH_SOL_BLUETOOTH, CBLUETOOTH_BT_SNDMTU, &byteCount, &length)
    }
    return Int(byteCount)
  }

  /// - Returns: false when the peer has given no credit for now.
  func send(_ packet: [UInt8]) throws(L2CAPError) -> Bool {
    try attempt("send") { Int32(Glibc.send($0, packet, packet.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))) } != nil
  }

  /// - Returns: The length of the next packet, which may be more than the buffer took; nil when there is none.
  func receive(into buffer: inout [UInt8]) throws(L2CAPError) -> Int? {
    try attempt("recv") {
      Int32(recv($0, &buffer, buffer.count, Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC)))
    }.map { Int($0) }
  }

  // MARK: System calls

  private func perform(_ call: String, _ body: (Int32) -> Int32) throws(L2CAPError) {
    guard try attempt(call, body) != nil else { throw L2CAPError(errno: EAGAIN, call) }
  }

  /// - Returns: nil when the call would block.
  private func attempt(_ call: String, _ body: (Int32) -> Int32) throws(L2CAPError) -> Int32? {
    // Under the lock: the descriptor stays this socket's while it is used. No call blocks.
    let result = raw.withLock { raw -> Result<Int32?, L2CAPError> in
      guard raw >= 0 else { return .failure(L2CAPError(.closed, "this side closed the socket")) }
      while true {
        let value = body(raw)
        if value >= 0 { return .success(value) }
        switch errno {
        case EINTR: continue
        case EAGAIN: return .success(nil)
        default: return .failure(L2CAPError(errno: errno, call))
        }
      }
    }
    return try result.get()
  }

  private static func with(
    _ address: CBluetooth_sockaddr_l2, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<CBluetooth_sockaddr_l2>.size))
      }
    }
  }
}
