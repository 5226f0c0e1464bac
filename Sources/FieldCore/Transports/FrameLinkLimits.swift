/// The numbers that ``FrameLink`` works with. Windows are far below the 167 datagrams that bluetoothd keeps for a
/// reader that stalls before it drops more without a word.
public enum FrameLinkLimits {
  public static let protocolVersion: UInt8 = 1

  /// Frames under way without an ACK: at the start, at least, at most.
  public static let windowStartFrameCount = 16
  public static let windowFloorFrameCount = 8
  public static let windowCeilingFrameCount = 96
  /// What a receiver ever makes room for, whatever the frames' size.
  public static let windowCapFrameCount = 128
  /// What a receiver makes room for when frames are large.
  public static let windowByteCount = 65536

  /// An ACK is sent for so many frames, or after this delay.
  public static let acknowledgementFrameCount = 8
  public static let acknowledgementDelay = Duration.milliseconds(50)

  /// A missing frame counts as lost when so many later ones arrived, or one round trip after the first of them did.
  public static let reorderFrameCount: UInt64 = 64
  public static let reorderDelayFloor = Duration.milliseconds(10)

  /// The round trip until one has been measured.
  public static let roundTripStart = Duration.milliseconds(250)
  public static let retransmissionTimeoutFloor = Duration.milliseconds(300)
  public static let retransmissionTimeoutCeiling = Duration.seconds(5)
  /// Until a round trip has been measured.
  public static let retransmissionTimeoutStart = Duration.seconds(1)
  /// Frames that are sent again at a time-out, whatever the window.
  public static let timeoutFrameCount = 2

  /// A link with data under way and no new acknowledgement, or with an unanswered probe and nothing heard, for so long
  /// is dead.
  public static let progressDeadline = Duration.seconds(6)

  /// OPEN and OPEN_ACK are repeated at this interval until they are answered or the deadline passes.
  public static let openInterval = Duration.milliseconds(500)
  public static let openDeadline = Duration.seconds(10)

  /// What is queued when this side closes has so long to arrive. Below ``progressDeadline``, so that a peer that is
  /// stuck itself still hears the end.
  public static let drainDeadline = Duration.seconds(4)
  /// CLOSE is repeated until it is answered or the deadline passes.
  public static let closeInterval = Duration.milliseconds(300)
  public static let leaveDeadline = Duration.seconds(1)

  /// An OPEN of another session replaces one that has been silent for so long.
  public static let supersedeDelay = Duration.seconds(1)

  /// Between probes, while the peer gives no credit or is not heard.
  public static let probeInterval = Duration.milliseconds(500)
  public static let keepAliveInterval = Duration.seconds(5)

  /// Messages over GATT, and over L2CAP channels, whose frames are larger. A message costs a cipher's tag and is of use
  /// only when all of it is there, which at 20 kB/s takes 0.4 s for the larger.
  public static let messageByteCount = 4096
  public static let channelMessageByteCount = 8192
}
