import FieldWire

/// The receiver's half of a ``FrameLink``: puts frames in order, joins them to messages, and owes acknowledgements.
///
/// Memory is bounded by the credit that was given: complete messages that nobody has read take credit away, one frame
/// of credit for each of their frames. The message that is being joined does not, so that it can be larger than the
/// window; it is bounded by the largest message.
struct FrameLinkReceiveWindow: Sendable {
  enum Outcome { case new, duplicate, outsideWindow }

  private struct Slot {
    var body: [UInt8]
    var flags: LinkFrame.Flags
  }

  private let capacityFrameCount: Int
  private let maximumMessageByteCount: Int

  /// Frames from `next` on, by sequence modulo the size.
  private var slots = [Slot?](repeating: nil, count: FrameLinkLimits.windowCapFrameCount)
  private(set) var next: UInt16
  /// The first frame without credit. It never goes back.
  private var edge: UInt16
  private var announcedEdge: UInt16
  /// One past the highest frame that arrived.
  private var highest: UInt16

  private var partial: [UInt8] = []
  /// Zero between messages.
  private var partialFrameCount = 0
  private var messages: [(bytes: [UInt8], frameCount: Int)] = []
  private(set) var queuedFrameCount = 0

  private(set) var owesAcknowledgement = false
  private(set) var acknowledgementDeadline: Duration?
  private var unacknowledgedCount = 0

  init(firstSequence: UInt16, capacityFrameCount: Int, maximumMessageByteCount: Int) {
    self.capacityFrameCount = min(capacityFrameCount, FrameLinkLimits.windowCapFrameCount)
    self.maximumMessageByteCount = maximumMessageByteCount
    next = firstSequence
    highest = firstSequence
    edge = firstSequence &+ UInt16(self.capacityFrameCount)
    announcedEdge = edge
  }

  var hasMessages: Bool { !messages.isEmpty }

  mutating func receive(
    sequence: UInt16, flags: LinkFrame.Flags, body: [UInt8], now: Duration
  )
    throws(FrameLinkEnd.Violation) -> Outcome
  {
    let offset = Int(Int16(bitPattern: sequence &- next))
    let place = Int(sequence) % slots.count
    guard offset >= 0, slots[place] == nil || offset >= slots.count else {
      owesAcknowledgement = true
      return .duplicate
    }
    guard offset < Int(edge &- next) else {
      owesAcknowledgement = true
      return .outsideWindow
    }
    slots[place] = Slot(body: body, flags: flags)
    let isInOrder = sequence == highest
    if Int16(bitPattern: sequence &- highest) >= 0 { highest = sequence &+ 1 }
    try joinFrames()
    unacknowledgedCount += 1
    if !isInOrder || flags.contains(.acknowledgementRequest)
      || unacknowledgedCount >= FrameLinkLimits.acknowledgementFrameCount
    {
      owesAcknowledgement = true
    } else if acknowledgementDeadline == nil {
      acknowledgementDeadline = now + FrameLinkLimits.acknowledgementDelay
    }
    return .new
  }

  mutating func takeMessage() -> [UInt8]? {
    guard let message = messages.first else { return nil }
    messages.removeFirst()
    queuedFrameCount -= message.frameCount
    extendEdge()
    // The sender is told once there is room worth telling of, or it had none.
    let gain = Int(edge &- announcedEdge)
    if gain >= max(1, capacityFrameCount / 4), Int(announcedEdge &- next) < capacityFrameCount / 2 {
      owesAcknowledgement = true
    }
    return message.bytes
  }

  mutating func timerFired(now: Duration) {
    if let deadline = acknowledgementDeadline, now >= deadline { owesAcknowledgement = true }
  }

  mutating func requestAcknowledgement() { owesAcknowledgement = true }

  /// The acknowledgement of now, which is then no longer owed.
  mutating func takeAcknowledgement() -> (sequence: UInt16, acknowledgement: LinkAcknowledgement) {
    owesAcknowledgement = false
    acknowledgementDeadline = nil
    unacknowledgedCount = 0
    announcedEdge = edge
    var bitmap: UInt64 = 0
    if highest != next {
      for bit in 0..<min(64, Int(highest &- next) - 1) where slots[Int(next &+ UInt16(bit + 1)) % slots.count] != nil {
        bitmap |= 1 << UInt64(bit)
      }
    }
    return (next, LinkAcknowledgement(bitmap: bitmap, creditFrameCount: edge &- next))
  }

  private mutating func joinFrames() throws(FrameLinkEnd.Violation) {
    while let slot = slots[Int(next) % slots.count] {
      slots[Int(next) % slots.count] = nil
      next &+= 1
      guard slot.flags.contains(.first) == (partialFrameCount == 0) else { throw .fragmentOutOfPlace }
      guard !slot.body.isEmpty || slot.flags.isSuperset(of: [.first, .last]) else { throw .emptyFragment }
      guard partial.count + slot.body.count <= maximumMessageByteCount else { throw .messageTooLarge }
      partial += slot.body
      partialFrameCount += 1
      if slot.flags.contains(.last) {
        messages.append((partial, partialFrameCount))
        queuedFrameCount += partialFrameCount
        partial = []
        partialFrameCount = 0
      }
    }
    extendEdge()
  }

  private mutating func extendEdge() {
    let room = next &+ UInt16(max(0, capacityFrameCount - queuedFrameCount))
    if Int16(bitPattern: room &- edge) > 0 { edge = room }
  }
}
