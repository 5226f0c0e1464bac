import BlueZ
import FieldCore

/// Which peers did not give a channel, so that they are reached over GATT at once for a while.
///
/// A PSM that nobody listens on stays that way until the peer announces another one. When not even a link came about,
/// or it was lost first, the next attempt takes the other way in, in case that this one is to blame.
struct ChannelHistory: Sendable {
  /// How an attempt went that gave no channel.
  enum Outcome: Sendable {
    /// The peer is there, and gave none.
    case refused
    case withoutLink

    /// For people: why links to the peer are not over channels.
    func problem(with peer: String, _ reason: TransportError) -> String {
      switch self {
      case .refused: "\(peer) is reached over GATT: \(reason.reason)"
      case .withoutLink: "\(peer) was lost before there was a channel: \(reason.reason)"
      }
    }
  }

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

  mutating func failed(_ address: BluetoothAddress, psm: UInt16, _ outcome: Outcome, now: Duration) {
    failures = failures.filter { $0.value.until > now }
    guard failures.count < Self.peerLimit || failures[address] != nil else { return }
    let life = outcome == .refused ? Self.refusalLife : Self.absenceLife
    failures[address] = Failure(psm: psm, until: now + life)
  }

  mutating func succeeded(_ address: BluetoothAddress) { failures[address] = nil }
}
