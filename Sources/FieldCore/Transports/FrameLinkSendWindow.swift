import FieldWire

/// The sender's half of a ``FrameLink``: frames under way, what of them is lost, and how many more may follow.
///
/// `base` is the oldest frame without acknowledgement and `edge` the first for which the peer has given no credit; all
/// arithmetic on them is modulo 2^16, and `edge - base` is never over ``FrameLinkLimits/windowCapFrameCount``.
struct FrameLinkSendWindow: Sendable {
  private struct Slot {
    var body: [UInt8]
    var flags: LinkFrame.Flags
    /// The place of its latest transmission among all transmissions.
    var transmission: UInt64
    var sentAt: Duration
    var wasResent = false
    var isAcknowledged = false
    var isLost = false
    /// When a frame that was sent later was first seen to have arrived.
    var overtakenAt: Duration?
  }

  /// The oldest frame and those of which an ACK's bitmap can tell that they arrived in front of it. What became of
  /// later ones cannot be known while there is a gap; so they are not judged then, and no more of them are sent.
  private static let reportableCount = 65

  private var slots: [Slot] = []
  private(set) var base: UInt16
  private var edge: UInt16
  private var acknowledgedCount = 0
  private var lostCount = 0

  private var transmissionCount: UInt64 = 0
  private var newestArrival: UInt64 = 0
  /// Losses among the transmissions up to this one have been answered by a smaller window.
  private var recoveredTransmission: UInt64 = 0
  /// Resends that go out whatever the window.
  private var timeoutAllowance = 0
  private var expiryCount = 0
  private var cleanCount = 0
  private var hasSeenLoss = false

  private(set) var windowFrameCount: Int
  private let windowCeilingFrameCount: Int
  private var roundTrip = FrameLinkRoundTrip()

  private(set) var timeoutDeadline: Duration?
  /// The time at which a frame that was overtaken becomes a lost one.
  private(set) var overtakenDeadline: Duration?
  private var progressAt: Duration = .zero

  init(firstSequence: UInt16, creditFrameCount: Int, ceilingFrameCount: Int) {
    base = firstSequence
    edge = firstSequence &+ UInt16(min(creditFrameCount, FrameLinkLimits.windowCapFrameCount))
    windowCeilingFrameCount = min(FrameLinkLimits.windowCeilingFrameCount, ceilingFrameCount)
    windowFrameCount = min(FrameLinkLimits.windowStartFrameCount, windowCeilingFrameCount)
  }

  var isEmpty: Bool { slots.isEmpty }
  var nextSequence: UInt16 { base &+ UInt16(slots.count) }
  var hasCredit: Bool { nextSequence != edge }
  var smoothedRoundTrip: Duration? { roundTrip.smoothed }
  var mayAppend: Bool {
    hasCredit && lostCount == 0 && flyingCount < windowFrameCount
      && (slots.count < Self.reportableCount || acknowledgedCount == 0)
  }
  var progressDeadline: Duration? { isEmpty ? nil : progressAt + FrameLinkLimits.progressDeadline }

  private var flyingCount: Int { slots.count - acknowledgedCount - lostCount }

  private var reportableFlyingCount: Int {
    slots.prefix(Self.reportableCount).count { !$0.isAcknowledged && !$0.isLost }
  }

  mutating func addRoundTrip(_ sample: Duration) { roundTrip.add(sample) }

  /// Takes the next frame into the window. Call only when ``mayAppend``.
  mutating func append(
    _ body: [UInt8], flags: LinkFrame.Flags, now: Duration
  ) -> (sequence: UInt16, flags: LinkFrame.Flags) {
    let sequence = nextSequence
    if slots.isEmpty {
      progressAt = now
      timeoutDeadline = now + roundTrip.retransmissionTimeout(afterExpiries: 0)
    }
    transmissionCount += 1
    slots.append(Slot(body: body, flags: flags, transmission: transmissionCount, sentAt: now))
    // A full window that is smaller than two of the receiver's intervals would wait for its timer.
    let isFull = flyingCount >= windowFrameCount && windowFrameCount < 2 * FrameLinkLimits.acknowledgementFrameCount
    return (sequence, isFull || !hasCredit ? flags.union(.acknowledgementRequest) : flags)
  }

  /// The oldest lost frame, when it may go out again.
  mutating func nextResend(now: Duration) -> (sequence: UInt16, flags: LinkFrame.Flags, body: [UInt8])? {
    guard lostCount > 0, timeoutAllowance > 0 || reportableFlyingCount < windowFrameCount,
      let index = slots.firstIndex(where: { $0.isLost })
    else { return nil }
    timeoutAllowance = max(0, timeoutAllowance - 1)
    lostCount -= 1
    transmissionCount += 1
    slots[index].isLost = false
    slots[index].wasResent = true
    slots[index].overtakenAt = nil
    slots[index].transmission = transmissionCount
    slots[index].sentAt = now
    let slot = slots[index]
    return (base &+ UInt16(index), slot.flags.union([.retransmission, .acknowledgementRequest]), slot.body)
  }

  /// - Returns: `false` for an ACK that is older than what is known, or of frames that were never sent.
  mutating func acknowledge(upTo next: UInt16, _ acknowledgement: LinkAcknowledgement, now: Duration) -> Bool {
    let advance = Int(next &- base)
    guard advance <= slots.count else { return false }
    var arrived: [Slot] = []
    for index in 0..<advance {
      if slots[index].isAcknowledged {
        acknowledgedCount -= 1
      } else {
        arrived.append(slots[index])
        if slots[index].isLost { lostCount -= 1 }
      }
    }
    slots.removeFirst(advance)
    base = next
    var bitmap = acknowledgement.bitmap
    while bitmap != 0 {
      let index = bitmap.trailingZeroBitCount + 1
      bitmap &= bitmap - 1
      guard index < slots.count else { break }
      if !slots[index].isAcknowledged {
        arrived.append(slots[index])
        if slots[index].isLost { lostCount -= 1 }
        slots[index].isLost = false
        slots[index].isAcknowledged = true
        slots[index].body = []
        acknowledgedCount += 1
      }
    }
    let granted = next &+ min(acknowledgement.creditFrameCount, UInt16(FrameLinkLimits.windowCapFrameCount))
    if Int16(bitPattern: granted &- edge) > 0 { edge = granted }
    if !arrived.isEmpty { noteArrival(of: arrived, now: now) }
    return true
  }

  /// Declares lost what waited long enough, and handles a time-out.
  ///
  /// - Returns: Whether a time-out expired.
  mutating func timerFired(now: Duration) -> Bool {
    findLosses(now: now)
    guard let deadline = timeoutDeadline, now >= deadline, !isEmpty else { return false }
    expiryCount += 1
    timeoutDeadline = now + roundTrip.retransmissionTimeout(afterExpiries: expiryCount)
    timeoutAllowance = FrameLinkLimits.timeoutFrameCount
    for index in slots.indices.filter({ !slots[$0].isAcknowledged }).prefix(timeoutAllowance) { markLost(index) }
    shrinkWindow()
    return true
  }

  private mutating func noteArrival(of arrived: [Slot], now: Duration) {
    progressAt = now
    expiryCount = 0
    timeoutAllowance = 0
    var newest = arrived[0]
    for slot in arrived {
      if slot.transmission > newest.transmission { newest = slot }
      if slot.transmission > recoveredTransmission { growWindow() }
    }
    // A frame that was sent twice does not tell which of the two was acknowledged (Karn).
    if !newest.wasResent { roundTrip.add(now - newest.sentAt) }
    newestArrival = max(newestArrival, newest.transmission)
    for index in slots.indices
    where !slots[index].isAcknowledged && slots[index].transmission < newestArrival && slots[index].overtakenAt == nil {
      slots[index].overtakenAt = now
    }
    findLosses(now: now)
    timeoutDeadline = isEmpty ? nil : now + roundTrip.retransmissionTimeout(afterExpiries: 0)
  }

  private mutating func findLosses(now: Duration) {
    overtakenDeadline = nil
    let delay = roundTrip.reorderDelay
    for index in slots.indices.prefix(Self.reportableCount) where !slots[index].isAcknowledged && !slots[index].isLost {
      guard let overtakenAt = slots[index].overtakenAt else { continue }
      let isLate = newestArrival &- slots[index].transmission >= FrameLinkLimits.reorderFrameCount
      if isLate || now >= overtakenAt + delay {
        markLost(index)
        if slots[index].transmission > recoveredTransmission { shrinkWindow() }
      } else {
        overtakenDeadline = min(overtakenDeadline ?? overtakenAt + delay, overtakenAt + delay)
      }
    }
  }

  private mutating func markLost(_ index: Int) {
    guard !slots[index].isLost else { return }
    slots[index].isLost = true
    lostCount += 1
  }

  /// Once a round trip: by a quarter, since on a radio most losses say nothing about queues.
  private mutating func shrinkWindow() {
    recoveredTransmission = transmissionCount
    hasSeenLoss = true
    cleanCount = 0
    windowFrameCount = min(
      windowCeilingFrameCount, max(FrameLinkLimits.windowFloorFrameCount, windowFrameCount - windowFrameCount / 4))
  }

  /// By one for each frame until the first loss, after it by one for eight.
  private mutating func growWindow() {
    cleanCount += 1
    guard !hasSeenLoss || cleanCount >= 8 else { return }
    cleanCount = 0
    windowFrameCount = min(windowCeilingFrameCount, windowFrameCount + 1)
  }
}
