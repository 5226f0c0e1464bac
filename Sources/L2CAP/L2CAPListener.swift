import Readiness

/// Takes channels that peers open to a PSM of an adapter.
public final class L2CAPListener: Sendable {
  /// Those that anybody may listen on (Core Specification, Vol 3, Part A, 4.22).
  public static let dynamicPSMs: ClosedRange<UInt16> = 0x80...0xFF

  private let socket: L2CAPSocket
  public let psm: UInt16

  /// - Parameters:
  ///   - local: The address of the adapter.
  ///   - psm: Nil takes one of ``dynamicPSMs`` that is free.
  ///   - backlog: Channels that wait to be accepted; further ones are refused.
  /// - Throws: `unsupported`, `noAdapter`, `addressInUse`, `limitExceeded`.
  public init(on local: LowEnergyAddress, psm: UInt16? = nil, backlog: Int32) throws(L2CAPError) {
    socket = try L2CAPSocket(boundTo: local, psm: psm ?? 0, receiveByteCount: L2CAPChannel.receiveByteCount)
    try socket.listen(backlog: backlog)
    self.psm = try socket.psm()
  }

  /// The next channel.
  /// - Throws: `closed`, `cancelled`; `limitExceeded`, after which another try may succeed.
  public func accept() async throws(L2CAPError) -> L2CAPChannel {
    while true {
      do throws(L2CAPError) {
        if let (accepted, peer) = try socket.accept() { return try L2CAPChannel(accepted, peer: peer) }
        try await socket.wait(for: .readable)
      } catch {
        // A channel that was over before it was accepted is none of the listener's business.
        guard error.code == .connectionLost else { throw error }
      }
    }
  }

  public func close() { socket.close() }
}
