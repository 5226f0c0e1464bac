/// A quarter of an hour of the wall clock. Presence tags are made for one, and read when they are of the one before or
/// after as well, so two clocks may differ by 15 minutes. When they differ by more, peers do not recognise each other
/// before they connect, and connect more often than they need to.
public struct PresenceEpoch: Hashable, Sendable {
  public static let secondCount: UInt64 = 900

  public let index: UInt64

  public init(index: UInt64) {
    self.index = index
  }

  /// - Parameter secondsSince1970: UTC. Times before 1970 count as 1970.
  public init(secondsSince1970: Int64) {
    index = UInt64(max(0, secondsSince1970)) / Self.secondCount
  }

  /// The ones whose tags are read: this one first, then its neighbours.
  var accepted: [PresenceEpoch] {
    [self, PresenceEpoch(index: index &- 1), PresenceEpoch(index: index &+ 1)]
  }
}
