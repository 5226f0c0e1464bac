public import FieldCore
import Synchronization

/// One end of a simulated datagram link for code with tasks. What it does to datagrams is a ``SimulatedPath``'s doing; when is
/// by the clock.
///
/// Like bluetoothd it keeps ``readerQueueFrameCount`` datagrams for a reader that stalls and drops the rest.
public final class SimulatedLink: DatagramLink {
  public static let readerQueueFrameCount = 167

  private struct Direction {
    var path: SimulatedPath
    var arrivals = EventQueue<[UInt8]>()
    var inbox: [[UInt8]] = []
    var reader: CheckedContinuation<Void, Never>?
    var droppedFrameCount = 0

    mutating func takeReader() -> CheckedContinuation<Void, Never>? {
      defer { reader = nil }
      return reader
    }

    /// Moves what has arrived by `time` to the reader.
    mutating func deliver(upTo time: Duration) {
      while let next = arrivals.nextTime, next <= time, let (_, frame) = arrivals.next() {
        if inbox.count < SimulatedLink.readerQueueFrameCount {
          inbox.append(frame)
        } else {
          droppedFrameCount += 1
        }
      }
    }
  }

  /// What the two ends share.
  private final class Air: Sendable {
    struct State {
      var directions: [Direction]
      var isClosed = false
    }

    let state: Mutex<State>
    let clock: FrameLinkClock

    init(_ directions: [Direction], clock: FrameLinkClock) {
      state = Mutex(State(directions: directions))
      self.clock = clock
    }

    /// What is under way still arrives, unless the link was cut.
    func close(isCut: Bool) {
      let readers = state.withLock { state in
        state.isClosed = true
        return state.directions.indices.compactMap { index in
          if !isCut { state.directions[index].deliver(upTo: .seconds(Int64.max)) }
          return state.directions[index].takeReader()
        }
      }
      for reader in readers { reader.resume() }
    }

    func deliver(_ index: Int) {
      let now = clock.now()
      let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
        guard !state.isClosed else { return nil }
        state.directions[index].deliver(upTo: now)
        return state.directions[index].inbox.isEmpty ? nil : state.directions[index].takeReader()
      }
      reader?.resume()
    }
  }

  public let maximumFrameByteCount: Int
  private let air: Air
  private let outgoing: Int

  private init(air: Air, outgoing: Int, maximumFrameByteCount: Int) {
    self.air = air
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
    let back = back ?? forth
    let air = Air(
      [
        Direction(path: SimulatedPath(profile: forth, random: random.split())),
        Direction(path: SimulatedPath(profile: back, random: random.split())),
      ], clock: FrameLinkClock(clock))
    return (
      SimulatedLink(air: air, outgoing: 0, maximumFrameByteCount: forth.maximumFrameByteCount),
      SimulatedLink(air: air, outgoing: 1, maximumFrameByteCount: back.maximumFrameByteCount)
    )
  }

  /// Datagrams that came in and were dropped because nobody read.
  public var droppedFrameCount: Int { air.state.withLock { $0.directions[1 - outgoing].droppedFrameCount } }

  /// Breaks the link: silently, so that both ends have to notice, or with both told.
  public func cut(isReported: Bool) {
    if isReported {
      air.close(isCut: true)
    } else {
      air.state.withLock { state in
        for index in state.directions.indices { state.directions[index].path.profile.cutAtFrame = 0 }
      }
    }
  }

  public func send(_ frame: [UInt8]) async throws(TransportError) {
    let now = air.clock.now()
    let outgoing = outgoing
    let (isClosed, times, readyAt) = air.state.withLock { state -> (Bool, [Duration], Duration) in
      guard !state.isClosed else { return (true, [], now) }
      let arrivals = state.directions[outgoing].path.send(frame, now: now)
      for arrival in arrivals { state.directions[outgoing].arrivals.add(arrival.frame, at: arrival.time) }
      if state.directions[outgoing].path.isCut, state.directions[outgoing].path.profile.isCutReported {
        return (true, [], now)
      }
      return (false, arrivals.map(\.time), state.directions[outgoing].path.readyTime(now: now))
    }
    guard !isClosed else {
      air.close(isCut: true)
      throw TransportError(.connectionLost, "the simulated link is gone")
    }
    for time in times {
      if time <= now {
        air.deliver(outgoing)
      } else {
        Task { [air] in
          try await air.clock.sleepUntil(time)
          air.deliver(outgoing)
        }
      }
    }
    if readyAt > now { try? await air.clock.sleepUntil(readyAt) }
  }

  public func receive() async throws(TransportError) -> [UInt8]? {
    let incoming = 1 - outgoing
    while true {
      let (frame, isClosed) = air.state.withLock { state -> ([UInt8]?, Bool) in
        guard !state.directions[incoming].inbox.isEmpty else { return (nil, state.isClosed) }
        return (state.directions[incoming].inbox.removeFirst(), false)
      }
      if let frame { return frame }
      guard !isClosed, !Task.isCancelled else { return nil }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isReady = air.state.withLock { state in
            guard state.directions[incoming].inbox.isEmpty, !state.isClosed, !Task.isCancelled else { return true }
            state.directions[incoming].reader = continuation
            return false
          }
          if isReady { continuation.resume() }
        }
      } onCancel: {
        air.state.withLock { $0.directions[incoming].takeReader() }?.resume()
      }
    }
  }

  public func close() async { air.close(isCut: false) }
}
