public import FieldCore

/// Two ``FrameLink`` machines and the simulated link between them, in virtual time and without tasks: a run of minutes
/// takes milliseconds, and a seed replays it.
public struct FrameLinkSimulation: Sendable {
  public enum Side: Int, Sendable, CaseIterable {
    case initiator, acceptor

    public var other: Side { self == .initiator ? .acceptor : .initiator }
  }

  /// How an end takes messages out of its machine.
  public enum Reader: Sendable {
    case immediate
    case every(Duration)
    case never
  }

  /// One end, and what happened at it.
  public struct Endpoint: Sendable {
    public internal(set) var machine: FrameLink
    public internal(set) var outgoing: SimulatedPath
    public var reader: Reader = .immediate
    /// Closes when all is sent.
    public var closesWhenSent = false
    public internal(set) var delivered: [[UInt8]] = []
    public internal(set) var openedAt: Duration?
    public internal(set) var endedAt: Duration?
    public internal(set) var unsent: ArraySlice<[UInt8]> = []
    var timerAt: Duration?
    var isReading = false
    var losing = 0

    public var end: FrameLinkEnd? { machine.end }
  }

  private enum Event: Sendable {
    case arrival([UInt8])
    case linkReady
    case timer
    case read
    case linkFailed
  }

  public private(set) var now: Duration = .zero
  /// By ``Side``. Used directly inside, since going through the subscript would copy an end for every change.
  public private(set) var endpoints: [Endpoint]
  /// A digest of all that happened so far: equal for equal runs.
  public private(set) var eventDigest: UInt64 = 0xCBF2_9CE4_8422_2325
  public private(set) var eventCount = 0
  private var queue = EventQueue<(Side, Event)>()

  public init(
    seed: UInt64,
    session: UInt16 = 0x5E55,
    toAcceptor: SimulatedLinkProfile = SimulatedLinkProfile(),
    toInitiator: SimulatedLinkProfile? = nil,
    initiator: FrameLinkConfiguration? = nil,
    acceptor: FrameLinkConfiguration? = nil
  ) {
    var random = SeededRandom(seed: seed)
    let toInitiator = toInitiator ?? toAcceptor
    let initiator = initiator ?? FrameLinkConfiguration(maximumFrameByteCount: toAcceptor.maximumFrameByteCount)
    let acceptor = acceptor ?? FrameLinkConfiguration(maximumFrameByteCount: toInitiator.maximumFrameByteCount)
    endpoints = [
      Endpoint(
        machine: FrameLink(role: .initiator(session: session), configuration: initiator),
        outgoing: SimulatedPath(profile: toAcceptor, random: random.split())),
      Endpoint(
        machine: FrameLink(role: .acceptor, configuration: acceptor),
        outgoing: SimulatedPath(profile: toInitiator, random: random.split())),
    ]
  }

  public subscript(side: Side) -> Endpoint {
    get { endpoints[side.rawValue] }
    set { endpoints[side.rawValue] = newValue }
  }

  /// Starts both ends.
  public mutating func start() {
    for side in [Side.acceptor, .initiator] {
      perform(endpoints[side.rawValue].machine.open(now: now), at: side)
    }
  }

  /// Messages that a side sends as soon as its link takes them.
  public mutating func send(_ messages: [[UInt8]], from side: Side) {
    endpoints[side.rawValue].unsent += messages
    pump(side)
  }

  public mutating func close(_ side: Side) { perform(endpoints[side.rawValue].machine.close(now: now), at: side) }
  public mutating func abandon(_ side: Side) { perform(endpoints[side.rawValue].machine.abandon(now: now), at: side) }

  /// Puts a datagram on the link that neither machine sent.
  public mutating func inject(_ frame: [UInt8], to side: Side, after delay: Duration = .zero) {
    queue.add((side, .arrival(frame)), at: now + delay)
  }

  /// Loses the next datagrams that a side sends.
  public mutating func loseNext(_ count: Int, from side: Side) { endpoints[side.rawValue].losing = count }

  /// Breaks the link both ways, without a word to either end.
  public mutating func cut() {
    for side in Side.allCases { endpoints[side.rawValue].outgoing.profile.cutAtFrame = 0 }
  }

  /// Reads as the new reader says from now on.
  public mutating func setReader(_ reader: Reader, at side: Side) {
    endpoints[side.rawValue].reader = reader
    read(side)
  }

  /// Runs until `isDone`, or nothing is left to happen, or the time is `limit`.
  ///
  /// - Returns: Whether `isDone` came true.
  @discardableResult
  public mutating func run(until limit: Duration, isDone: (FrameLinkSimulation) -> Bool = { _ in false }) -> Bool {
    while !isDone(self) {
      guard let time = queue.nextTime, time <= limit, let (_, (side, event)) = queue.next() else {
        now = max(now, limit)
        return isDone(self)
      }
      now = max(now, time)
      handle(event, at: side)
    }
    return true
  }

  private mutating func handle(_ event: Event, at side: Side) {
    switch event {
    case .arrival(let frame):
      note(1, side, frame)
      perform(endpoints[side.rawValue].machine.received(frame, now: now), at: side)
    case .linkReady:
      perform(endpoints[side.rawValue].machine.linkReady(now: now), at: side)
    case .timer:
      endpoints[side.rawValue].timerAt = nil
      if let deadline = endpoints[side.rawValue].machine.nextDeadline, deadline <= now {
        note(2, side, [])
        perform(endpoints[side.rawValue].machine.timerFired(now: now), at: side)
      } else {
        arm(side)
      }
    case .read:
      endpoints[side.rawValue].isReading = false
      take(side)
      read(side)
    case .linkFailed:
      perform(endpoints[side.rawValue].machine.linkFailed(now: now), at: side)
    }
  }

  private mutating func perform(_ actions: [FrameLink.Action], at side: Side) {
    for action in actions {
      switch action {
      case .sendFrame(let frame): transmit(frame, from: side)
      case .opened:
        note(3, side, [])
        endpoints[side.rawValue].openedAt = now
        pump(side)
      case .readable: read(side)
      case .writable: pump(side)
      case .ended:
        note(4, side, [])
        endpoints[side.rawValue].endedAt = now
      }
    }
    arm(side)
  }

  private mutating func transmit(_ frame: [UInt8], from side: Side) {
    let wasCut = endpoints[side.rawValue].outgoing.isCut
    let arrivals = endpoints[side.rawValue].outgoing.send(frame, now: now)
    if endpoints[side.rawValue].losing > 0 {
      endpoints[side.rawValue].losing -= 1
    } else {
      for arrival in arrivals { queue.add((side.other, .arrival(arrival.frame)), at: arrival.time) }
    }
    if endpoints[side.rawValue].outgoing.isCut, !wasCut {
      // A radio link goes in both directions at once.
      endpoints[side.other.rawValue].outgoing.profile.cutAtFrame = 0
      if endpoints[side.rawValue].outgoing.profile.isCutReported {
        for end in Side.allCases {
          queue.add((end, .linkFailed), at: now + endpoints[end.rawValue].outgoing.profile.delay)
        }
      }
    }
    queue.add((side, .linkReady), at: endpoints[side.rawValue].outgoing.readyTime(now: now))
  }

  private mutating func pump(_ side: Side) {
    while endpoints[side.rawValue].machine.isOpen, let message = endpoints[side.rawValue].unsent.first {
      guard let actions = try? endpoints[side.rawValue].machine.send(message, now: now) else { return }
      endpoints[side.rawValue].unsent.removeFirst()
      perform(actions, at: side)
    }
    if endpoints[side.rawValue].closesWhenSent, endpoints[side.rawValue].machine.isOpen,
      endpoints[side.rawValue].unsent.isEmpty
    {
      close(side)
    }
  }

  private mutating func read(_ side: Side) {
    switch endpoints[side.rawValue].reader {
    case .never: return
    case .immediate:
      while take(side) {}
    case .every(let interval):
      guard !endpoints[side.rawValue].isReading, endpoints[side.rawValue].machine.hasMessages else { return }
      endpoints[side.rawValue].isReading = true
      queue.add((side, .read), at: now + interval)
    }
  }

  @discardableResult
  private mutating func take(_ side: Side) -> Bool {
    guard let (message, actions) = endpoints[side.rawValue].machine.takeMessage(now: now) else { return false }
    note(5, side, message)
    endpoints[side.rawValue].delivered.append(message)
    perform(actions, at: side)
    return true
  }

  private mutating func arm(_ side: Side) {
    guard let deadline = endpoints[side.rawValue].machine.nextDeadline else { return }
    let time = max(now, deadline)
    if let armed = endpoints[side.rawValue].timerAt, armed <= time { return }
    endpoints[side.rawValue].timerAt = time
    queue.add((side, .timer), at: time)
  }

  private mutating func note(_ kind: UInt8, _ side: Side, _ bytes: [UInt8]) {
    eventCount += 1
    let (seconds, attoseconds) = now.components
    for value in [
      UInt64(kind), UInt64(side.rawValue), UInt64(bitPattern: seconds), UInt64(bitPattern: attoseconds),
      UInt64(bytes.count),
    ] { fold(value) }
    // A frame's check sum stands for its content.
    for byte in bytes.suffix(8) { fold(UInt64(byte)) }
  }

  private mutating func fold(_ value: UInt64) { eventDigest = (eventDigest ^ value) &* 0x100_0000_01B3 }
}
