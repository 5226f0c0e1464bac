/// What the directory lets a device do. Ordered: each role may do what the ones below it may, but a relay reads
/// nothing.
public enum DeviceRole: UInt8, Sendable, CaseIterable, Comparable {
  /// Carries entries, and holds no content key.
  case relay = 1
  /// Reads and writes documents.
  case member = 2
  /// Also grants and revokes.
  case admin = 3

  public static func < (left: DeviceRole, right: DeviceRole) -> Bool { left.rawValue < right.rawValue }
}
