/// A part of a store's order of arrival: the entries behind `after`, up to and including `through`. What arrives later
/// is outside, so the set that a scope names only ever loses entries, and loses them by a purge alone.
public struct ArrivalScope: Hashable, Sendable {
  public var after: UInt64
  public var through: UInt64

  public init(after: UInt64, through: UInt64) {
    self.after = after
    self.through = through
  }
}
