/// One of the streams of a session. Streams that the initiator opens are odd, the responder's even, and each side's
/// ascend.
public struct StreamID: Hashable, Comparable, Sendable {
  public let rawValue: UInt64

  init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  func isOpened(by role: SessionHandshake.Role) -> Bool { (rawValue & 1 == 1) == (role == .initiator) }

  public static func < (left: StreamID, right: StreamID) -> Bool { left.rawValue < right.rawValue }
}
