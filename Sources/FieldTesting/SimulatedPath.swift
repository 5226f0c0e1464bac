/// One direction of a simulated datagram link, without tasks and without a clock: the same seed, datagrams and times
/// give the same arrivals.
public struct SimulatedPath: Sendable {
  public struct Arrival: Sendable {
    public var time: Duration
    public var frame: [UInt8]
  }

  public var profile: SimulatedLinkProfile
  private var random: SeededRandom
  private var isDeaf = true
  private var deafnessChangesAt: Duration = .zero
  private var freeAt: Duration = .zero
  private var channelArrivals: [Duration]
  public private(set) var sentFrameCount = 0
  public private(set) var lostFrameCount = 0

  public init(profile: SimulatedLinkProfile, random: SeededRandom) {
    self.profile = profile
    self.random = random
    channelArrivals = Array(repeating: .zero, count: max(1, profile.channelCount))
  }

  public var isCut: Bool { profile.cutAtFrame.map { sentFrameCount >= $0 } ?? false }

  /// When the link takes another datagram.
  public func readyTime(now: Duration) -> Duration {
    guard let rate = profile.bytesPerSecond, let queue = profile.sendQueueFrameCount else { return now }
    let room = Duration.seconds(Double(queue * profile.maximumFrameByteCount) / Double(rate))
    return max(now, freeAt - room)
  }

  /// - Returns: What arrives at the other end, and when: nothing, the datagram, or it and its double.
  public mutating func send(_ frame: [UInt8], now: Duration) -> [Arrival] {
    let wasCut = isCut
    sentFrameCount += 1
    if let rate = profile.bytesPerSecond {
      freeAt = max(now, freeAt) + .seconds(Double(frame.count) / Double(rate))
    }
    let departure = profile.bytesPerSecond == nil ? now : freeAt
    // Drawn in any case, so that one fault does not shift the others.
    let isLost = drawLoss(departure)
    let isDouble = random.chance(profile.duplication)
    let arrivals = (0..<(isDouble ? 2 : 1)).map { _ in
      Arrival(time: arrivalTime(departure), frame: random.chance(profile.corruption) ? mangled(frame) : frame)
    }
    guard !wasCut, !isLost, frame.count <= profile.maximumFrameByteCount else {
      lostFrameCount += 1
      return []
    }
    return arrivals
  }

  private mutating func drawLoss(_ now: Duration) -> Bool {
    guard profile.deafTime > .zero, profile.loss > 0, profile.loss < 1 else { return random.chance(profile.loss) }
    while deafnessChangesAt <= now {
      isDeaf.toggle()
      let mean = isDeaf ? profile.deafTime : profile.deafTime * ((1 - profile.loss) / profile.loss)
      deafnessChangesAt += random.duration(upTo: mean * 2) + .microseconds(1)
    }
    return isDeaf
  }

  private mutating func arrivalTime(_ departure: Duration) -> Duration {
    let channel = Int(random.next() % UInt64(channelArrivals.count))
    var time = max(channelArrivals[channel], departure + profile.delay + random.duration(upTo: profile.jitter))
    for stall in profile.stalls where stall.contains(time) { time = stall.upperBound }
    channelArrivals[channel] = time
    return time
  }

  private mutating func mangled(_ frame: [UInt8]) -> [UInt8] {
    guard !frame.isEmpty else { return frame }
    var frame = frame
    let place = Int(random.next() % UInt64(frame.count))
    if random.chance(0.25) {
      frame.removeSubrange(place...)
    } else {
      frame[place] ^= 1 << UInt8(random.next() % 8)
    }
    return frame
  }
}
