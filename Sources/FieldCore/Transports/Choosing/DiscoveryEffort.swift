/// How much of the time a transport that looks for peers should look.
public enum DiscoveryEffort: Hashable, Sendable {
  /// All of it.
  case high
  /// A third: on battery, when nothing waits for anybody.
  case normal
  /// Less: a better transport covers everybody.
  case low
}
