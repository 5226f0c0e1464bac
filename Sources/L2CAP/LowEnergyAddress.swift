import CBluetooth

/// An LE device address with its type, which every socket has to be told.
public struct LowEnergyAddress: Hashable, Sendable {
  public enum Kind: UInt8, Sendable {
    case `public` = 1
    case random = 2
  }

  /// Six bytes, most significant first, as an address is written.
  public let bytes: [UInt8]
  public let kind: Kind

  /// Nil unless there are six bytes.
  public init?(_ bytes: [UInt8], _ kind: Kind) {
    guard bytes.count == 6 else { return nil }
    self.bytes = bytes
    self.kind = kind
  }

  /// Nil for an address of classic Bluetooth.
  init?(_ socketAddress: CBluetooth_sockaddr_l2) {
    guard let kind = Kind(rawValue: socketAddress.address_type) else { return nil }
    let (first, second, third, fourth, fifth, sixth) = socketAddress.address
    self.init([sixth, fifth, fourth, third, second, first], kind)
  }

  func socketAddress(psm: UInt16) -> CBluetooth_sockaddr_l2 {
    CBluetooth_sockaddr_l2(
      family: UInt16(CBLUETOOTH_AF_BLUETOOTH), psm: psm.littleEndian,
      address: (bytes[5], bytes[4], bytes[3], bytes[2], bytes[1], bytes[0]), cid: 0, address_type: kind.rawValue)
  }
}
