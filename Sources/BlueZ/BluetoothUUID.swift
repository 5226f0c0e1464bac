/// A Bluetooth UUID in its 128-bit form, lower case.
public struct BluetoothUUID: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let text: String

  /// From `0000180f-0000-1000-8000-00805f9b34fb` in any case, or the short forms `180f` and `0000180f`.
  public init?(_ text: String) {
    guard let full = BluetoothUUID.normalized(text) else { return nil }
    self.text = full
  }

  /// For UUIDs written in the program; an invalid one is a mistake in the program and stops it.
  public init(stringLiteral text: String) {
    guard let full = BluetoothUUID.normalized(text) else { preconditionFailure("not a UUID") }
    self.text = full
  }

  private static func normalized(_ text: String) -> String? {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.allSatisfy({ group in group.utf8.count == group.count && group.allSatisfy(\.isHexDigit) }) else {
      return nil
    }
    switch groups.map(\.count) {
    case [8, 4, 4, 4, 12]: return text.lowercased()
    case [8]: return "\(text.lowercased())-0000-1000-8000-00805f9b34fb"
    case [4]: return "0000\(text.lowercased())-0000-1000-8000-00805f9b34fb"
    default: return nil
    }
  }

  public var description: String { text }
}
