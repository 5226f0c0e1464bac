/// Names one session to the ``TransportManager``.
public struct LinkID: Hashable, Sendable, Comparable {
  public let rawValue: UInt64

  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  public static func < (left: LinkID, right: LinkID) -> Bool { left.rawValue < right.rawValue }
}
