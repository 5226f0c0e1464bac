/// How much of the time a transport that looks for peers should look.
public enum DiscoveryEffort: Hashable, Sendable {
  /// All of it: nobody is near yet, or something waits for somebody.
  case high
  /// As much as it takes to notice peers that come and go.
  case normal
  /// As little as that: on battery, or while a better transport covers everybody.
  case low
}
