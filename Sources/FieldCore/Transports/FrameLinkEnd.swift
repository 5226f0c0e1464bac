public import FieldWire

/// How a ``FrameLink`` ended.
public enum FrameLinkEnd: Hashable, Sendable {
  /// This side closed it, and the peer has everything that was sent.
  case closed
  /// The peer closed it, and everything that it sent is here.
  case closedByPeer
  /// This side gave up with data not acknowledged.
  case abandoned
  /// The peer stopped for this reason.
  case failedByPeer(LinkCloseReason)
  /// The other end did not answer OPEN, or did not send one.
  case openTimedOut
  /// No acknowledgement of data that is under way, or nothing heard in spite of probes.
  case notAnswering
  /// The link below broke.
  case linkLost
  /// Another session was opened on the same link while this one was silent.
  case superseded
  /// The peer broke a rule.
  case protocolViolation(Violation)

  public enum Violation: String, Error, Hashable, Sendable {
    /// A frame in the middle of a message that has no beginning, or a second beginning.
    case fragmentOutOfPlace
    /// A fragment without bytes.
    case emptyFragment
    case messageTooLarge
    /// OPEN or OPEN_ACK with values that no link has.
    case badParameters
    /// The peer closed in order although frames of it are missing.
    case closedWithDataMissing
  }

  /// What callers of a connection that ended this way get.
  public var transportError: TransportError {
    switch self {
    case .closed, .abandoned: TransportError(.closed, "this side closed the connection")
    case .closedByPeer: TransportError(.closed, "the peer closed the connection")
    case .failedByPeer(let reason):
      TransportError(.connectionLost, "the peer ended the link, reason \(reason.rawValue)")
    case .openTimedOut: TransportError(.unreachable, "nobody answers on the link")
    case .notAnswering: TransportError(.connectionLost, "the peer stopped answering")
    case .linkLost: TransportError(.connectionLost, "the link broke")
    case .superseded: TransportError(.connectionLost, "another session took the link over")
    case .protocolViolation(let violation): TransportError(.protocolViolation, violation.rawValue)
    }
  }
}
