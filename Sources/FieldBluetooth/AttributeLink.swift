import BlueZ
import FieldCore
import Synchronization

/// A slot of a peer's service, as the central has it: frames out through write commands, in through notifications.
final class AttributeLink: DatagramLink {
  let maximumFrameByteCount: Int
  private let outgoing: AttributeSocket
  private let incoming: AttributeSocket
  private let onClose: Mutex<(@Sendable () -> Void)?>

  /// `onClose` is called once, when the link has ended for whatever reason.
  init(
    outgoing: AttributeSocket, incoming: AttributeSocket, maximumFrameByteCount: Int,
    onClose: @escaping @Sendable () -> Void
  ) {
    self.outgoing = outgoing
    self.incoming = incoming
    self.maximumFrameByteCount = maximumFrameByteCount
    self.onClose = Mutex(onClose)
  }

  func send(_ frame: [UInt8]) async throws(TransportError) {
    do throws(BlueZError) {
      try await outgoing.send(frame)
    } catch {
      throw TransportError(.connectionLost, "bluetoothd takes no more: \(error.description)")
    }
  }

  func receive() async throws(TransportError) -> [UInt8]? {
    do throws(BlueZError) {
      return try await incoming.receive()
    } catch {
      throw TransportError(.connectionLost, "bluetoothd gives no more: \(error.description)")
    }
  }

  func close() async { end() }

  /// As ``close()``, for callers that cannot wait.
  func end() {
    incoming.close()
    outgoing.close()
    onClose.withLock { handler in
      defer { handler = nil }
      return handler
    }?()
  }
}
