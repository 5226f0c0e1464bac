import Readiness
import Synchronization

/// A connection-oriented channel over LE with credit-based flow control (Core Specification, Vol 3, Part A, 10.1):
/// packets arrive whole and in order or the channel ends, and a sender waits while the peer's kernel has no room.
///
/// It needs no pairing and no root, and says nothing of who is at the other end. One task sends and one receives.
public final class L2CAPChannel: Sendable {
  /// What this end lets a peer's packets have. It is far more than ``packetByteLimit``: kernels before 6.10 give a peer
  /// credit for as many segments as one such packet has.
  static let receiveByteCount: UInt16 = 65535
  /// The longest packet that ``receive()`` returns; longer ones are dropped.
  public static let packetByteLimit = 8192

  let socket: L2CAPSocket
  private let buffer = Mutex([UInt8](repeating: 0, count: packetByteLimit))
  /// Nil when the kernel does not tell.
  public let peer: LowEnergyAddress?
  /// The largest packet that the peer takes.
  public let sendByteCount: Int

  init(_ socket: L2CAPSocket, peer: LowEnergyAddress?) throws(L2CAPError) {
    self.socket = socket
    self.peer = peer
    sendByteCount = try socket.sendByteCount()
  }

  /// Connects to a listener: makes an LE link if there is none, by whatever time the peer advertises.
  ///
  /// - Parameters:
  ///   - local: The address of the adapter to use.
  ///   - deadline: Returns when the attempt is to be given up.
  /// - Throws: `refused` when nobody listens there; `unreachable` or `timedOut` when no link came about.
  public static func connect(
    from local: LowEnergyAddress, to peer: LowEnergyAddress, psm: UInt16,
    deadline: @escaping @Sendable () async -> Void
  ) async throws(L2CAPError) -> L2CAPChannel {
    let socket = try L2CAPSocket(boundTo: local, psm: 0, receiveByteCount: receiveByteCount)
    let decoys = decoys(from: local, to: peer)
    defer { for decoy in decoys { decoy.close() } }
    try socket.connect(to: peer, psm: psm)
    let timer = Task {
      await deadline()
      if !Task.isCancelled { socket.close() }
    }
    defer { timer.cancel() }
    do throws(L2CAPError) {
      try await socket.wait(for: .writable)
      if let error = try socket.connectionError() { throw error }
      return try L2CAPChannel(socket, peer: peer)
    } catch {
      guard error.code != .closed else { throw L2CAPError(.timedOut, "no channel in time") }
      throw error
    }
  }

  /// Requests for channels that nobody takes, so that the identifier of the real one is not among the first of a link.
  ///
  /// Linux finds the channel that a response is about by the response's identifier alone, also among channels that the
  /// other side has asked for, with identifiers of its own. When the peer's bluetoothd opens its ATT channels (5.66
  /// does so on every new link), the answers to its first requests would be taken for answers about our channel: its
  /// other end then sends to a wrong one, and the peer's ATT channel is dead.
  private static func decoys(from local: LowEnergyAddress, to peer: LowEnergyAddress) -> [L2CAPSocket] {
    (0..<decoyCount).compactMap { _ in
      guard let socket = try? L2CAPSocket(boundTo: local, psm: 0, receiveByteCount: receiveByteCount),
        (try? socket.connect(to: peer, psm: decoyPSM)) != nil
      else { return nil }
      return socket
    }
  }

  /// More than a peer's own first requests and credits; each takes a millisecond on the air.
  private static let decoyCount = 12
  /// Assigned to nobody, and out of the range of dynamic ones.
  private static let decoyPSM: UInt16 = 0x7F

  /// Returns when the kernel has taken the packet.
  /// - Throws: `packetTooLarge` over ``sendByteCount``, `connectionLost`, `closed`, `cancelled`.
  public func send(_ packet: [UInt8]) async throws(L2CAPError) {
    do throws(L2CAPError) {
      while try !socket.send(packet) { try await socket.wait(for: .writable) }
    } catch {
      if error.code == .connectionLost { socket.close() }
      throw error
    }
  }

  /// The next packet; nil when the peer has closed the channel.
  /// - Throws: `connectionLost`, `closed`, `cancelled`.
  public func receive() async throws(L2CAPError) -> [UInt8]? {
    do throws(L2CAPError) {
      while true {
        switch try next() {
        case .packet(let packet): return packet
        case .end:
          // At once: Debian's kernel 6.1 may fault when a socket is closed long after the link below it is gone.
          socket.close()
          return nil
        case .tooLong: continue
        case .nothing: try await socket.wait(for: .readable)
        }
      }
    } catch {
      if error.code == .connectionLost { socket.close() }
      throw error
    }
  }

  /// May be called at any time; what waits throws `closed`.
  public func close() { socket.close() }

  private enum Next: Sendable {
    case packet([UInt8])
    case tooLong
    case nothing
    case end
  }

  private func next() throws(L2CAPError) -> Next {
    let result = buffer.withLock { buffer -> Result<Next, L2CAPError> in
      do throws(L2CAPError) {
        guard let count = try socket.receive(into: &buffer) else { return .success(.nothing) }
        if count > buffer.count { return .success(.tooLong) }
        return .success(count == 0 ? .end : .packet(Array(buffer[..<count])))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

extension L2CAPSocket {
  /// - Throws: `closed`, `cancelled`, `limitExceeded`.
  func wait(for readiness: Readiness) async throws(L2CAPError) {
    guard let descriptor else { throw L2CAPError(.closed, "this side closed the socket") }
    do throws(ReadinessError) {
      try await ReadinessPoller.shared.wait(for: descriptor, readiness, while: { isOpen })
    } catch {
      throw L2CAPError(.limitExceeded, error.reason)
    }
    if Task.isCancelled { throw L2CAPError(.cancelled, "the task was cancelled") }
    guard isOpen else { throw L2CAPError(.closed, "this side closed the socket") }
  }
}
