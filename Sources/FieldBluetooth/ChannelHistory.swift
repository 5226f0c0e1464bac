import BlueZ

/// Which peers did not give a channel, so that they are reached over GATT at once for a while.
///
/// A PSM that nobody listens on stays that way until the peer announces another one. When not even a link came about,
/// the next attempt takes the other way in, in case that this one is to blame.
struct ChannelHistory: Sendable {
  /// For a channel that was refused, and for one that did not come about.
  static let refusalLife = Duration.seconds(300)
  static let absenceLife = Duration.seconds(20)
  /// Peers remembered. More at one time are rather somebody who makes addresses up.
  static let peerLimit = 64

  private struct Failure {
    var psm: UInt16
    var until: Duration
  }

  private var failures: [BluetoothAddress: Failure] = [:]

  func isWorthTrying(_ address: BluetoothAddress, psm: UInt16, now: Duration) -> Bool {
    failures[address].map { $0.psm != psm || $0.until <= now } ?? true
  }

  mutating func failed(_ address: BluetoothAddress, psm: UInt16, hadLink: Bool, now: Duration) {
    failures = failures.filter { $0.value.until > now }
    guard failures.count < Self.peerLimit || failures[address] != nil else { return }
    failures[address] = Failure(psm: psm, until: now + (hadLink ? Self.refusalLife : Self.absenceLife))
  }

  mutating func succeeded(_ address: BluetoothAddress) { failures[address] = nil }
}
