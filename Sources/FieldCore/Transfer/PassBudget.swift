public import FieldWire
import Synchronization

/// How often each peer may make this device go over all its entries, whatever sessions it opens for that. A pass over a
/// large store takes a good part of a second, and a peer asks for it with a few bytes.
///
/// Each peer has a full account at first; a pass costs as many entries as it goes over, and the account fills up again
/// in the course of ``window``. Without a full enough account a reconciliation ends undecided, and pages are listed
/// instead, which cost the peer as much as this device; a summary is refused; and a page that passed over entries
/// without listing them comes when it is paid for.
public final class PassBudget: Sendable {
  /// Entries that an account holds, at least.
  public static let entryCount: UInt64 = 20_000_000
  /// And so many passes over all entries of the store.
  public static let passCount: UInt64 = 64
  public static let window: Duration = .seconds(600)
  /// Peers whose accounts are kept; more of them share one.
  static let peerCount = 1024

  private struct Account {
    var spentCount: UInt64 = 0
    var time: Duration
  }

  private let now: @Sendable () -> Duration
  private let accounts = Mutex<[DeviceKey: Account]>([:])

  /// - Parameter now: The time since some moment.
  public init(now: @escaping @Sendable () -> Duration) {
    self.now = now
  }

  /// Pays for a pass over `count` of `total` entries.
  ///
  /// - Returns: `false`, and nothing is paid, where the account does not hold so much.
  public func take(_ count: UInt64, of total: UInt64, for device: DeviceKey) -> Bool {
    let limit = max(Self.entryCount, total.multipliedReportingOverflow(by: Self.passCount).partialValue)
    let time = now()
    return accounts.withLock { accounts in
      let key = accounts[device] == nil && accounts.count >= Self.peerCount ? .zero : device
      var account = accounts[key] ?? Account(time: time)
      let share = min(1, max(0, (time - account.time) / Self.window))
      let refilled = UInt64(Double(limit) * share)
      account.spentCount = account.spentCount > refilled ? account.spentCount - refilled : 0
      account.time = time
      let isPaid = account.spentCount + count <= limit
      if isPaid { account.spentCount += count }
      accounts[key] = account
      return isPaid
    }
  }
}
