/// What can be done with a descriptor, or is waited for.
public struct Readiness: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let readable = Readiness(rawValue: 1)
  public static let writable = Readiness(rawValue: 2)
  /// The other end is gone, or the descriptor is in error; comes unasked.
  public static let hungUp = Readiness(rawValue: 4)
}
