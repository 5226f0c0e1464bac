/// The bounds of an agent.
public enum AgentLimits {
  /// Connections whose peers have not proven yet who they are.
  public static let handshakeCount = 16
  /// Sessions at once.
  public static let sessionCount = 64
  /// Presence keys that sessions may begin with: the current one, and those that it replaced last.
  public static let presenceKeyCount = 8
  /// How often, and how many times, an agent looks whether its user has compared the check words: for a minute.
  public static let confirmationPollInterval: Duration = .milliseconds(200)
  public static let confirmationPollCount = 300
  /// Devices that are remembered as having asked in vain.
  public static let pendingCount = 64
  /// Peers that are kept in the status.
  public static let statusPeerCount = 256
  /// The first pause after a dial that failed; it doubles up to the longest.
  public static let firstRetry: Duration = .seconds(2)
  public static let longestRetry: Duration = .seconds(300)
  /// How long the side that should be dialled waits before it dials by itself.
  public static let patience: Duration = .seconds(8)
  /// How often the status file is written at most.
  public static let statusInterval: Duration = .seconds(1)
}
