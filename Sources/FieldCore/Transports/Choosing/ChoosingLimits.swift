/// The bounds of a ``TransportManager``. Times are those of the simulations and of the lab; where one is a guess about
/// radios it says so.
public enum ChoosingLimits {
  /// Addresses that are remembered. Peers on Bluetooth change theirs, so they add up.
  public static let routeCount = 1024
  /// Those among them that were seen, and whose beacons nobody here knows.
  public static let strangerRouteCount = 128
  /// How long a known beacon is believed against unknown ones at the same address.
  public static let announcementTurn: Duration = .seconds(30)
  /// Addresses that one peer may tell of itself.
  public static let toldAddressCount = 8
  /// After a dial that failed; it doubles up to the longest.
  public static let firstRetry: Duration = .seconds(2)
  public static let longestRetry: Duration = .seconds(300)
  /// After a session that was lost.
  public static let retryAfterLoss: Duration = .milliseconds(500)
  /// While a dearer transport carries a transfer, a cheaper one is tried so often at least.
  public static let upgradeRetry: Duration = .seconds(3)
  /// While the second best way over a transport carries a transfer, the best one is tried so often.
  public static let betterRetry: Duration = .seconds(30)
  /// For somebody who does not know the workspace's key.
  public static let strangerRetry: Duration = .seconds(300)
  /// A session that lasted less was a failure of its address.
  public static let shortestUse: Duration = .seconds(10)
  /// How long a dial may take before a dearer transport is tried beside it.
  public static let headStart: Duration = .seconds(2)
  /// Dials at once; one adapter makes one connection at a time.
  public static let networkDialCount = 4
  public static let radioDialCount = 1
  /// How long looking for peers is the first concern after the start.
  public static let eagerTime: Duration = .seconds(60)

  /// How long the side that should be dialled waits before it dials by itself; half as much again is random.
  public static func patience(_ cost: TransportCost) -> Duration {
    cost == .shortRangeRadio ? .seconds(8) : .seconds(2)
  }
  /// The same for who knows of something new here that the peer may not have noticed yet.
  public static let patienceWithNews: Duration = .seconds(1)
  /// The same after a session was lost, which both sides notice. Two radios that call each other at once are slower.
  public static let patienceAfterLoss: Duration = .seconds(3)

  /// Silence of a session with work to do after which another transport is tried beside it: an unanswered ping. A
  /// session over a radio notices by itself.
  public static func doubtAfter(_ cost: TransportCost) -> Duration {
    cost == .shortRangeRadio ? .seconds(5) : .milliseconds(800)
  }
  /// Silence of a session with work to do after which any other is used rather than it.
  public static func suspectAfter(_ cost: TransportCost) -> Duration {
    cost == .shortRangeRadio ? .seconds(5) : .milliseconds(1400)
  }
  /// The same when the machine has just lost its network.
  public static let doubtWithoutNetworkAfter: Duration = .milliseconds(300)
  public static let suspectWithoutNetworkAfter: Duration = .milliseconds(700)
  /// Peers that are slow are given more time than that, up to some multiple of this, see ``SilenceGauge``.
  public static let longestSurvivedSilence: Duration = .seconds(3)
  /// How many times its length a silence that ended is remembered.
  static let silenceMemory = 20
  /// Who can be connected with so soon after it was given up for its silence was slow rather than gone.
  public static let quickReturn: Duration = .seconds(4)
  /// Silence after which a session is given up, so that who is gone is seen to be gone within half a minute.
  public static let longestSilence: Duration = .seconds(24)
  /// How long a session with nothing to do stays.
  public static func idleLimit(_ cost: TransportCost) -> Duration {
    cost == .shortRangeRadio ? .seconds(20) : .seconds(600)
  }
}
