public import FieldWire

/// One way, to an authorized peer: where else the sender can be reached, so that a peer that met it over Bluetooth
/// finds it on the LAN. It replaces what was told before.
///
/// Body: count (varint, at most ``addressLimit``), for each: kind (u8, 1: LAN) and location (text of at most
/// ``locationByteLimit`` bytes): an IP address, IPv6 in brackets, and a port.
public struct AddressesNotice: MessageBody, Hashable {
  public static let type = MessageType.addresses
  public static let addressLimit = ChoosingLimits.toldAddressCount
  public static let locationByteLimit = 64
  private static let lan: UInt8 = 1

  public var addresses: [PeerAddress]

  /// - Parameter addresses: Those that cannot be told are left out.
  public init(addresses: [PeerAddress]) {
    self.addresses = Array(addresses.filter(Self.isTellable).prefix(Self.addressLimit))
  }

  public func encode(into writer: inout WireWriter) {
    writer.varint(UInt64(addresses.count))
    for address in addresses {
      writer.u8(Self.lan)
      writer.text(address.location)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.varint()
    guard count <= UInt64(Self.addressLimit) else { throw WireError(.limitExceeded, "\(count) addresses") }
    addresses = []
    for _ in 0..<count {
      let kind = try reader.u8()
      let address = PeerAddress(kind: .lan, location: try reader.text(limit: Self.locationByteLimit))
      guard kind == Self.lan, Self.isTellable(address) else {
        throw WireError(.invalidValue, "an address that is none")
      }
      addresses.append(address)
    }
  }

  /// Digits, not names, and no address of the receiver's own machine: a peer must not make it ask name servers, nor
  /// knock at its own doors.
  private static func isTellable(_ address: PeerAddress) -> Bool {
    guard address.kind == .lan, address.location.utf8.count <= locationByteLimit,
      let numeric = NumericAddress(location: address.location)
    else { return false }
    return !numeric.isOwnMachine
  }
}
