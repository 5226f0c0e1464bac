import FieldCore
import FieldWire
import L2CAP
import Synchronization

/// An L2CAP channel, each packet one frame. The kernel loses and reorders nothing, and holds a sender up.
final class ChannelLink: DatagramLink {
  /// What one link-layer packet carries with the data length extension, less the header of L2CAP.
  private static let segmentByteCount = 247
  /// In front of a packet's first segment.
  private static let lengthByteCount = 2

  let maximumFrameByteCount: Int
  private let channel: L2CAPChannel
  private let onClose: Mutex<(@Sendable () -> Void)?>

  /// `onClose` is called once, when the link has ended for whatever reason.
  init(_ channel: L2CAPChannel, onClose: @escaping @Sendable () -> Void) {
    self.channel = channel
    maximumFrameByteCount = Self.frameByteCount(packetByteCount: channel.sendByteCount)
    self.onClose = Mutex(onClose)
  }

  /// The largest frame within a peer's largest packet that fills its segments: 1974, 1727 … 492, 245, or less where
  /// the peer does not take as much as that.
  static func frameByteCount(packetByteCount: Int) -> Int {
    let limit = min(packetByteCount, LinkFrame.maximumByteCount)
    let segmentCount = (limit + lengthByteCount) / segmentByteCount
    return segmentCount == 0 ? limit : segmentCount * segmentByteCount - lengthByteCount
  }

  func send(_ frame: [UInt8]) async throws(TransportError) {
    do throws(L2CAPError) {
      try await channel.send(frame)
    } catch {
      throw TransportError(error, "the channel takes no more")
    }
  }

  func receive() async throws(TransportError) -> [UInt8]? {
    do throws(L2CAPError) {
      return try await channel.receive()
    } catch {
      throw TransportError(error, "the channel gives no more")
    }
  }

  func close() async { end() }

  /// As ``close()``, for callers that cannot wait.
  func end() {
    channel.close()
    onClose.withLock { handler in
      defer { handler = nil }
      return handler
    }?()
  }
}

extension TransportError {
  init(_ error: L2CAPError, _ doing: String) {
    let code: Code =
      switch error.code {
      case .refused, .unreachable, .timedOut: .unreachable
      case .connectionLost: .connectionLost
      case .closed, .cancelled: .closed
      case .packetTooLarge: .protocolViolation
      case .unsupported, .notPermitted, .noAdapter, .addressInUse, .limitExceeded, .failed: .unavailable
      }
    self.init(code, "\(doing): \(error.description)")
  }
}
