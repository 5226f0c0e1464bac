import FieldWire

/// One session, as a ``TransportManager`` sees it.
struct ManagedLink: Sendable {
  var device: DeviceKey
  var kind: TransportKind
  var cost: TransportCost
  /// The transport may have a better one.
  var isFallback: Bool
  /// The one that was dialled; `nil` for a session that the peer opened.
  var address: PeerAddress?
  var isOpenedHere: Bool
  /// Of two sessions over one kind of transport both sides keep the one that the device with the higher key opened.
  var isOpenedByHigherKey: Bool
  var openedAt: Duration
  /// When a better one was last looked for.
  var betterTriedAt: Duration = .zero
  var heardAt: Duration
  /// Something came in after the handshake.
  var isProven = false
  /// Silent for so long that another transport is tried beside it.
  var isDoubted = false
  /// Silent for so long that another one is used.
  var isSuspect = false
  var isClosing = false
  /// Given up for its silence.
  var isDead = false
  var gauge = SilenceGauge()
  var work = LinkReport.Work.busy
  /// Since when there is nothing to do.
  var idleSince: Duration?
  var byteCount: UInt64 = 0
  var reportedAt: Duration
  /// Smoothed over some seconds; `nil` before there was anything to measure.
  var bytesPerSecond: Double?
  var roundTrip: Duration?
  var why: String

  /// Bytes in which nothing but pings can be: both sides may ping, and answer, between two reports.
  private static let idleBytesPerSecond = 64.0
  private static let idleBurstByteCount: UInt64 = 256
  private static let newWeight = 0.3

  mutating func note(_ report: LinkReport, isWithoutNetwork: Bool, now: Duration) {
    heardAt = max(heardAt, now - report.silence)
    isProven = isProven || report.receivedCount > 0
    roundTrip = report.roundTrip ?? roundTrip
    gauge.note(now - heardAt, isBusy: report.work == .busy, after: now - reportedAt)
    let seconds = (now - reportedAt) / .seconds(1)
    if seconds > 0, report.byteCount >= byteCount {
      let rate = Double(report.byteCount - byteCount) / seconds
      if rate > Self.idleBytesPerSecond {
        bytesPerSecond = bytesPerSecond.map { $0 + Self.newWeight * (rate - $0) } ?? rate
      }
    }
    if report.work == .busy {
      idleSince = nil
    } else if idleSince == nil
      || report.byteCount > byteCount + Self.idleBurstByteCount + UInt64(Self.idleBytesPerSecond * max(0, seconds))
    {
      idleSince = now
    }
    work = report.work
    byteCount = report.byteCount
    reportedAt = now
    let silence = now - heardAt
    let isBusy = report.work == .busy
    isDoubted =
      isBusy && silence >= (isWithoutNetwork ? ChoosingLimits.doubtWithoutNetworkAfter : gauge.doubtAfter(cost))
    isSuspect =
      isBusy && silence >= (isWithoutNetwork ? ChoosingLimits.suspectWithoutNetworkAfter : gauge.suspectAfter(cost))
  }
}
