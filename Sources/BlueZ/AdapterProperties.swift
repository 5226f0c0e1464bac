public import DBus

/// What is known of a local adapter. Properties that bluetoothd leaves out, or sends with a wrong type, have the
/// value that means least.
public struct AdapterProperties: Equatable, Sendable {
  public let path: ObjectPath
  public let address: BluetoothAddress?
  public let addressType: BluetoothAddressType?
  public let isPowered: Bool
  public let isDiscovering: Bool
  /// Such as `central`, `peripheral`; `central-peripheral` is there only when the kernel has both at once enabled.
  public let roles: [String]

  init(_ path: ObjectPath, _ properties: [String: DBusValue]) {
    self.path = path
    address = properties["Address"]?.asString.flatMap { BluetoothAddress($0) }
    addressType = properties["AddressType"]?.asString.flatMap { BluetoothAddressType(rawValue: $0) }
    isPowered = properties["Powered"]?.asBool ?? false
    isDiscovering = properties["Discovering"]?.asBool ?? false
    roles = properties["Roles"]?.asStrings ?? []
  }

  /// The kernel's name for it, such as `hci0`.
  public var name: String { path.lastElement }
}
