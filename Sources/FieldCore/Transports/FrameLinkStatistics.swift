/// Counts of one end of a ``FrameLink`` since it started.
public struct FrameLinkStatistics: Hashable, Sendable {
  /// Every frame given to the link, and their bytes.
  public internal(set) var sentFrameCount = 0
  public internal(set) var sentByteCount = 0
  /// DATA frames among them, resent ones included.
  public internal(set) var dataFrameCount = 0
  public internal(set) var resentFrameCount = 0
  public internal(set) var acknowledgementFrameCount = 0
  /// Bytes of messages that went out, each counted once however often its frames were sent.
  public internal(set) var streamedByteCount = 0

  /// Frames that were well formed and of this session.
  public internal(set) var receivedFrameCount = 0
  public internal(set) var duplicateFrameCount = 0
  /// Frames that are none: wrong check sum, unknown type, cut.
  public internal(set) var malformedFrameCount = 0
  /// Frames of another session, and ones that no peer in this state sends.
  public internal(set) var strayFrameCount = 0

  public internal(set) var sentMessageCount = 0
  public internal(set) var receivedMessageCount = 0
  public internal(set) var retransmissionTimeoutCount = 0
  /// The most complete messages' frames that ever waited for the reader.
  public internal(set) var largestQueuedFrameCount = 0

  public init() {}
}
