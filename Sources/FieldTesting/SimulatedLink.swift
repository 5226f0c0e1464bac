public import FieldCore

/// One end of a simulated datagram link for code with tasks. What it does to datagrams is a ``SimulatedPath``'s doing;
/// when is by the clock.
///
/// Like bluetoothd it keeps ``readerQueueFrameCount`` datagrams for a reader that stalls and drops the rest.
public final class SimulatedLink: DatagramLink {
  public static let readerQueueFrameCount = 167

  private struct Direction: Sendable {
    var path: SimulatedPath
    var arrivals = EventQueue<[UInt8]>()
    var inbox: [[UInt8]] = []
    var droppedFrameCount = 0

    var isStalled = false

    /// Moves what has arrived to the reader; all that is under way when `time` is `nil`.
    mutating func deliver(upTo time: Duration?) {
      guard !isStalled else { return }
      while let next = arrivals.nextTime, time.map({ next <= $0 }) ?? true, let (_, frame) = arrivals.next() {
        if inbox.count < SimulatedLink.readerQueueFrameCount {
          inbox.append(frame)
        } else {
          droppedFrameCount += 1
        }
      }
    }
  }

  /// What the two ends share.
  private struct Air: Sendable {
    var directions: [Direction]
    var isClosed = false

    /// What is under way still arrives, unless the link was cut.
    mutating func close(isCut: Bool) {
      isClosed = true
      guard !isCut else { return }
      for index in directions.indices { directions[index].deliver(upTo: nil) }
    }
  }

  public let maximumFrameByteCount: Int
  private let air: Monitor<Air>
  private let clock: FrameLinkClock
  private let outgoing: Int

  private init(air: Monitor<Air>, clock: FrameLinkClock, outgoing: Int, maximumFrameByteCount: Int) {
    self.air = air
    self.clock = clock
    self.outgoing = outgoing
    self.maximumFrameByteCount = maximumFrameByteCount
  }

  /// Two ends of one link.
  ///
  /// - Parameters:
  ///   - forth: What happens to datagrams from the first end to the second.
  ///   - back: The other way; as `forth` when `nil`.
  public static func pair(
    seed: UInt64, forth: SimulatedLinkProfile = SimulatedLinkProfile(), back: SimulatedLinkProfile? = nil,
    clock: any Clock<Duration>
  ) -> (SimulatedLink, SimulatedLink) {
    var random = SeededRandom(seed: seed)
    let profiles = [forth, back ?? forth]
    let directions = profiles.map { Direction(path: SimulatedPath(profile: $0, random: random.split())) }
    let air = Monitor(Air(directions: directions))
    let clock = FrameLinkClock(clock)
    func end(_ index: Int) -> SimulatedLink {
      SimulatedLink(
        air: air, clock: clock, outgoing: index, maximumFrameByteCount: profiles[index].maximumFrameByteCount)
    }
    return (end(0), end(1))
  }

  /// Datagrams that came in and were dropped because nobody read.
  public var droppedFrameCount: Int { air.withLock { $0.directions[1 - outgoing].droppedFrameCount } }

  /// Datagrams that this end has sent.
  public var sentFrameCount: Int { air.withLock { $0.directions[outgoing].path.sentFrameCount } }

  /// Breaks the link: silently, so that both ends have to notice, or with both told.
  public func cut(isReported: Bool) {
    air.withLock { air in
      if isReported { air.close(isCut: true) }
      for index in air.directions.indices { air.directions[index].path.profile.cutAtFrame = 0 }
    }
  }

  /// Nothing arrives any more, in both directions, until ``resume()``.
  public func stall() {
    air.withLock { air in
      for index in air.directions.indices { air.directions[index].isStalled = true }
    }
  }

  public func resume() {
    let now = clock.now()
    air.withLock { air in
      for index in air.directions.indices {
        air.directions[index].isStalled = false
        if !air.isClosed { air.directions[index].deliver(upTo: now) }
      }
    }
  }

  public var isClosed: Bool { air.withLock { $0.isClosed } }

  public func send(_ frame: [UInt8]) async throws(TransportError) {
    let now = clock.now()
    let outgoing = outgoing
    let sent = air.withLock { air -> (arrivals: [Duration], readyAt: Duration)? in
      guard !air.isClosed else { return nil }
      let arrivals = air.directions[outgoing].path.send(frame, now: now)
      for arrival in arrivals { air.directions[outgoing].arrivals.add(arrival.frame, at: arrival.time) }
      let path = air.directions[outgoing].path
      if path.isCut {
        for index in air.directions.indices { air.directions[index].path.profile.cutAtFrame = 0 }
        if path.profile.isCutReported { air.close(isCut: true) }
      }
      return (arrivals.map(\.time), path.readyTime(now: now))
    }
    guard let sent else { throw TransportError(.connectionLost, "the simulated link is gone") }
    for time in sent.arrivals {
      Task { [air, clock] in
        if time > now { try await clock.sleepUntil(time) }
        air.withLock { air in
          if !air.isClosed { air.directions[outgoing].deliver(upTo: time) }
        }
      }
    }
    if sent.readyAt > now { try? await clock.sleepUntil(sent.readyAt) }
  }

  public func receive() async throws(TransportError) -> [UInt8]? {
    let incoming = 1 - outgoing
    await air.wait { !$0.directions[incoming].inbox.isEmpty || $0.isClosed }
    return air.withLock { air in
      air.directions[incoming].inbox.isEmpty ? nil : air.directions[incoming].inbox.removeFirst()
    }
  }

  public func close() async { air.withLock { $0.close(isCut: false) } }
}
