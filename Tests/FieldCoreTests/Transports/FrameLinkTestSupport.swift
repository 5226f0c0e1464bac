import FieldCore
import FieldTesting
import FieldWire
import Testing

/// Messages of every size up to the limit, each beginning with its place so that a double or a gap shows.
func numberedMessages(_ count: Int, seed: UInt64, largestByteCount: Int = 4096) -> [[UInt8]] {
  var random = SeededRandom(seed: seed)
  return (0..<count).map { place in
    let byteCount = random.chance(0.2) ? largestByteCount : Int(random.next() % UInt64(largestByteCount / 8 + 1))
    let start = [UInt8(truncatingIfNeeded: place >> 8), UInt8(truncatingIfNeeded: place)]
    // One pattern from a random place on is as good as random bytes, and quicker.
    let shift = UInt8(truncatingIfNeeded: random.next())
    return Array((start + (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) ^ shift }).prefix(byteCount))
  }
}

extension FrameLinkSimulation {
  func hasDelivered(_ count: Int, to side: Side) -> Bool { self[side].delivered.count >= count }

  var haveBothEnded: Bool { endpoints.allSatisfy { $0.end != nil } }
}

/// A machine that is open, played by hand: the test is its peer.
struct HandDrivenLink {
  static let session: UInt16 = 0x5E55

  var machine: FrameLink
  var now: Duration = .zero
  var sent: [LinkFrame] = []
  var ends: [FrameLinkEnd] = []

  /// - Parameter firstSequence: Of the peer's data.
  init(
    role: FrameLink.Role = .acceptor,
    configuration: FrameLinkConfiguration = FrameLinkConfiguration(maximumFrameByteCount: 495),
    peer: LinkParameters = Self.parameters(), firstSequence: UInt16 = 0
  ) throws {
    machine = FrameLink(role: role, configuration: configuration)
    perform(machine.open(now: now))
    switch role {
    case .acceptor:
      receive(LinkFrame(session: Self.session, sequence: firstSequence, body: .open(peer)))
      receive(acknowledgement(configuration.firstSequence, credit: peer.windowFrameCount))
    case .initiator:
      receive(LinkFrame(session: Self.session, sequence: firstSequence, body: .openAcknowledgement(peer)))
    }
    sent = []
  }

  static func parameters(
    version: UInt8 = 1, frameByteCount: UInt16 = 495, window: UInt16 = 128, messageByteCount: UInt32 = 4096
  ) -> LinkParameters {
    LinkParameters(
      protocolVersion: version, maximumFrameByteCount: frameByteCount, windowFrameCount: window,
      maximumMessageByteCount: messageByteCount)
  }

  mutating func receive(_ frame: LinkFrame) { perform(machine.received(frame.encoded(), now: now)) }

  mutating func receiveData(_ sequence: UInt16, _ flags: LinkFrame.Flags = [.first, .last], _ bytes: [UInt8] = [1]) {
    receive(LinkFrame(session: Self.session, sequence: sequence, flags: flags, body: .data(bytes)))
  }

  mutating func receiveAcknowledgement(_ next: UInt16, bitmap: UInt64 = 0, credit: UInt16 = 128) {
    receive(acknowledgement(next, bitmap: bitmap, credit: credit))
  }

  mutating func send(_ message: [UInt8], isRefused: Bool = false) throws {
    let actions = try machine.send(message, now: now)
    #expect((actions == nil) == isRefused)
    perform(actions ?? [])
  }

  mutating func take() -> [UInt8]? {
    guard let (message, actions) = machine.takeMessage(now: now) else { return nil }
    perform(actions)
    return message
  }

  /// Lets time pass, with all that is due on the way.
  mutating func wait(_ duration: Duration) {
    let end = now + duration
    while let deadline = machine.nextDeadline, deadline <= end {
      now = max(now, deadline)
      perform(machine.timerFired(now: now))
    }
    now = end
  }

  var sentSequences: [UInt16] {
    sent.compactMap { frame in if case .data = frame.body { frame.sequence } else { nil } }
  }

  var sentAcknowledgements: [(next: UInt16, body: LinkAcknowledgement)] {
    sent.compactMap { frame in if case .acknowledgement(let body) = frame.body { (frame.sequence, body) } else { nil } }
  }

  mutating func perform(_ actions: [FrameLink.Action]) {
    for action in actions {
      switch action {
      case .sendFrame(let bytes):
        if let frame = try? LinkFrame(decoding: bytes) { sent.append(frame) }
        perform(machine.linkReady(now: now))
      case .ended(let end): ends.append(end)
      case .opened, .readable, .writable: break
      }
    }
  }

  private func acknowledgement(_ next: UInt16, bitmap: UInt64 = 0, credit: UInt16) -> LinkFrame {
    LinkFrame(
      session: Self.session, sequence: next,
      body: .acknowledgement(LinkAcknowledgement(bitmap: bitmap, creditFrameCount: credit)))
  }
}
