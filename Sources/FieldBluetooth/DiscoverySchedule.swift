/// How much of the time to look for peers. Whoever does not look is still found.
public enum DiscoverySchedule: Hashable, Sendable {
  case continuous
  /// For a while, from one start to the next.
  case periodic(on: Duration, every: Duration)

  /// The one of the two that looks for a smaller part of the time.
  func sparser(than other: DiscoverySchedule) -> DiscoverySchedule {
    switch (self, other) {
    case (_, .continuous): self
    case (.continuous, _): other
    case (.periodic(let on, let every), .periodic(let otherOn, let otherEvery)):
      on / every <= otherOn / otherEvery ? self : other
    }
  }
}
