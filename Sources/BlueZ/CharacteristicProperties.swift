public import DBus

/// What is known of a characteristic of a remote device.
public struct CharacteristicProperties: Equatable, Sendable {
  public let path: ObjectPath
  public let uuid: BluetoothUUID
  public let service: BluetoothUUID
  public let device: ObjectPath
  public let flags: Set<CharacteristicFlag>
  /// The ATT MTU of the connection, where bluetoothd tells it.
  public let mtu: UInt16?

  /// Nil when it is not known well enough to be of use.
  init?(_ path: ObjectPath, _ properties: [String: DBusValue], service: [String: DBusValue]) {
    guard let uuid = properties["UUID"]?.asString.flatMap({ BluetoothUUID($0) }),
      let serviceUUID = service["UUID"]?.asString.flatMap({ BluetoothUUID($0) }),
      let device = service["Device"]?.asObjectPath
    else { return nil }
    self.path = path
    self.uuid = uuid
    self.service = serviceUUID
    self.device = device
    flags = Set((properties["Flags"]?.asStrings ?? []).compactMap { CharacteristicFlag(rawValue: $0) })
    mtu = properties["MTU"]?.asUInt16
  }
}

/// What may be done with a characteristic (Core Specification, Vol 3, Part G, 3.3.1.1). Flags that ask for Bluetooth
/// encryption are left out on purpose: they start pairing dialogs.
public enum CharacteristicFlag: String, Sendable {
  case read
  case write
  case writeWithoutResponse = "write-without-response"
  case notify
  case indicate
}
