/// What one direction of a simulated datagram link does to what is sent over it. Probabilities are 0...1, per datagram.
public struct SimulatedLinkProfile: Sendable {
  public var maximumFrameByteCount: Int
  /// From the end of sending to arrival.
  public var delay: Duration
  /// Added to the delay, anew for each datagram, evenly from zero to this.
  public var jitter: Duration = .zero
  /// `nil`: sending takes no time.
  public var bytesPerSecond: Int?
  /// Datagrams that wait to be sent before the sender is held up. `nil`: all are taken at once.
  public var sendQueueFrameCount: Int?

  public var loss = 0.0
  /// Zero: each datagram is lost or not for itself. Else the link is deaf for so long at a time, on average, and `loss`
  /// is the share of such times.
  public var deafTime: Duration = .zero
  public var duplication = 0.0
  /// One bit is flipped, or the end is cut off.
  public var corruption = 0.0

  /// Order is kept within a channel, and each datagram takes any: the three ATT channels of BlueZ 5.66 reorder like
  /// that.
  public var channelCount = 1

  /// In these times nothing arrives; it all does at their end.
  public var stalls: [Range<Duration>] = []

  /// From this datagram on, counted from zero, nothing arrives any more.
  public var cutAtFrame: Int?
  /// Whether both ends are told of the cut, as when a socket hangs up; else they have to notice.
  public var isCutReported = false

  public init(maximumFrameByteCount: Int = 495, delay: Duration = .milliseconds(20)) {
    self.maximumFrameByteCount = maximumFrameByteCount
    self.delay = delay
  }

  /// Connection interval 50 ms, 22 kB/s, three channels: what field applications see of GATT.
  public static var gatt: SimulatedLinkProfile {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: 495, delay: .milliseconds(25))
    profile.jitter = .milliseconds(25)
    profile.bytesPerSecond = 22_000
    profile.channelCount = 3
    return profile
  }

  /// An L2CAP channel: nothing is lost, and the kernel holds the sender up.
  public static var l2cap: SimulatedLinkProfile {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: 1974, delay: .milliseconds(15))
    profile.bytesPerSecond = 76_000
    profile.sendQueueFrameCount = 8
    return profile
  }
}
