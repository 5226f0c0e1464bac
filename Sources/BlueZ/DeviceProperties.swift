public import DBus

/// What is known of a remote device. Properties that bluetoothd leaves out, or sends with a wrong type, have the
/// value that means least.
public struct DeviceProperties: Equatable, Sendable {
  public let path: ObjectPath
  public let adapter: ObjectPath?
  public let address: BluetoothAddress?
  public let addressType: BluetoothAddressType?
  public let name: String?
  /// In dBm; only while discovery hears it.
  public let rssi: Int16?
  public let uuids: Set<BluetoothUUID>
  /// By company identifier.
  public let manufacturerData: [UInt16: [UInt8]]
  public let isConnected: Bool
  public let areServicesResolved: Bool
  public let isPaired: Bool
  public let isTrusted: Bool

  init(_ path: ObjectPath, _ properties: [String: DBusValue]) {
    self.path = path
    adapter = properties["Adapter"]?.asObjectPath
    address = properties["Address"]?.asString.flatMap { BluetoothAddress($0) }
    addressType = properties["AddressType"]?.asString.flatMap { BluetoothAddressType(rawValue: $0) }
    name = properties["Name"]?.asString
    rssi = properties["RSSI"]?.asInt16
    uuids = Set((properties["UUIDs"]?.asStrings ?? []).compactMap { BluetoothUUID($0) })
    manufacturerData = DeviceProperties.data(properties["ManufacturerData"]) { $0.asUInt16 }
    isConnected = properties["Connected"]?.asBool ?? false
    areServicesResolved = properties["ServicesResolved"]?.asBool ?? false
    isPaired = properties["Paired"]?.asBool ?? false
    isTrusted = properties["Trusted"]?.asBool ?? false
  }

  private static func data<Key: Hashable>(_ value: DBusValue?, _ key: (DBusValue) -> Key?) -> [Key: [UInt8]] {
    var data: [Key: [UInt8]] = [:]
    for entry in value?.asEntries ?? [] {
      guard let key = key(entry.key), let bytes = entry.value.asBytes else { continue }
      data[key] = bytes
    }
    return data
  }
}
