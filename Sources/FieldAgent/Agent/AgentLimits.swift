/// The bounds of an agent. Those of choosing and dialling are in ``FieldCore/ChoosingLimits``.
public enum AgentLimits {
  /// Connections whose peers have not proven yet who they are.
  public static let handshakeCount = 16
  /// Sessions at once.
  public static let sessionCount = 64
  /// Those among them in which somebody is to be let in; while there are so many no invitation begins another one.
  public static let joiningCount = 8
  /// Presence keys that sessions may begin with: the current one, and those that it replaced last.
  public static let presenceKeyCount = 8
  /// How often, and how many times, an agent looks whether its user has compared the check words: for a minute.
  public static let confirmationPollInterval: Duration = .milliseconds(200)
  public static let confirmationPollCount = 300
  /// From the beginning of a session in which a device is to be let in to its asking, and as long again from there to
  /// the session's end: people compare check words meanwhile.
  public static let joiningDeadline: Duration = .seconds(120)
  /// Devices that are remembered as having asked in vain.
  public static let pendingCount = 64
  /// Peers that are kept in the status.
  public static let statusPeerCount = 256
  /// Peers that wait to be tried while one is looked for.
  public static let searchQueueCount = 64
  /// How often the status file is written at most.
  public static let statusInterval: Duration = .seconds(1)
  /// How often sessions are looked at.
  public static let probeInterval: Duration = .milliseconds(300)
  /// How often the store's changes are acted upon at most.
  public static let changeInterval: Duration = .milliseconds(250)
  /// How often what is announced changes at most, but for its epoch.
  public static let announcementInterval: Duration = .seconds(1)
  /// How often the wall clock is looked at, for the epoch of what is announced.
  public static let clockInterval: Duration = .seconds(15)
  /// From asking a session to close to ending it, whatever is still to be sent.
  public static let closeDeadline: Duration = .seconds(2)
  /// Events that `fieldsync events` can still show.
  public static let eventCount = 1000
}
