/// A Bluetooth device address, most significant byte first as it is written.
public struct BluetoothAddress: Hashable, Sendable, CustomStringConvertible {
  /// Six bytes.
  public let bytes: [UInt8]

  /// From the form `AA:BB:CC:DD:EE:FF`; nil when it is not that.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in
      part.utf8.count == 2 && part.allSatisfy(\.isHexDigit) ? UInt8(part, radix: 16) : nil
    }
    guard parts.count == 6, bytes.count == 6 else { return nil }
    self.bytes = bytes
  }

  /// Nil unless there are six, most significant first.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 6 else { return nil }
    self.bytes = bytes
  }

  public var description: String {
    bytes.map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: ":")
  }
}

/// How an LE address came about; whoever dials has to say it.
public enum BluetoothAddressType: String, Sendable {
  case `public`
  case random
}
