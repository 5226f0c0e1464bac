import FieldWire

/// What one end of a ``FrameLink`` is told before it starts.
public struct FrameLinkConfiguration: Sendable {
  /// The largest datagram that the link carries; taken into 20...1974.
  public var maximumFrameByteCount: Int {
    didSet { maximumFrameByteCount = Self.clamped(maximumFrameByteCount) }
  }

  /// The largest message to take, and to send unless the peer takes less.
  public var maximumMessageByteCount: Int

  /// Messages waiting to be sent; at least one is always taken.
  public var sendQueueByteCount: Int

  /// A probe is sent when nothing was heard for so long. `nil`: a silent peer is only noticed when there is something
  /// to send.
  public var keepAliveInterval: Duration?

  /// How long to wait for the other end: for the answer to OPEN, or, when accepting, for an OPEN to come (`nil`: for
  /// ever).
  public var openDeadline: Duration?

  /// The sequence number of the first DATA frame.
  public var firstSequence: UInt16

  public init(
    maximumFrameByteCount: Int,
    maximumMessageByteCount: Int = FrameLinkLimits.messageByteCount,
    keepAliveInterval: Duration? = FrameLinkLimits.keepAliveInterval,
    openDeadline: Duration? = FrameLinkLimits.openDeadline,
    firstSequence: UInt16 = 0
  ) {
    self.maximumFrameByteCount = Self.clamped(maximumFrameByteCount)
    self.maximumMessageByteCount = maximumMessageByteCount
    self.sendQueueByteCount = 2 * maximumMessageByteCount
    self.keepAliveInterval = keepAliveInterval
    self.openDeadline = openDeadline
    self.firstSequence = firstSequence
  }

  /// The largest message within `limit` that fills its frames: a short frame behind the others costs as much as a full
  /// one.
  public static func messageByteCount(within limit: Int, frameByteCount: Int) -> Int {
    let fragmentByteCount = clamped(frameByteCount) - LinkFrame.overheadByteCount
    return max(limit - limit % fragmentByteCount, fragmentByteCount)
  }

  /// The frames that this end makes room for.
  var windowFrameCount: Int {
    min(FrameLinkLimits.windowCapFrameCount, FrameLinkLimits.windowByteCount / maximumFrameByteCount)
  }

  /// The frames that this end has under way at most. A message of which only a part came is of no use, nor is a piece
  /// of a payload; with them a link that is lost costs no more than a window.
  var sendWindowFrameCount: Int {
    let fragmentByteCount = maximumFrameByteCount - LinkFrame.overheadByteCount
    let partialFrameCount = (maximumMessageByteCount + ContentPiece.byteLimit) / fragmentByteCount + 1
    return windowFrameCount - min(windowFrameCount / 4, partialFrameCount)
  }

  var parameters: LinkParameters {
    LinkParameters(
      protocolVersion: FrameLinkLimits.protocolVersion,
      maximumFrameByteCount: UInt16(clamping: maximumFrameByteCount),
      windowFrameCount: UInt16(clamping: windowFrameCount),
      maximumMessageByteCount: UInt32(clamping: maximumMessageByteCount))
  }

  private static func clamped(_ byteCount: Int) -> Int {
    min(LinkFrame.maximumByteCount, max(LinkFrame.smallestLinkByteCount, byteCount))
  }
}
