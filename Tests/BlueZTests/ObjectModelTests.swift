import DBus
import Testing

@testable import BlueZ

struct ObjectModelTests {
  static let adapter: ObjectPath = "/org/bluez/hci0"
  static let device: ObjectPath = "/org/bluez/hci0/dev_1"
  static let service: ObjectPath = "/org/bluez/hci0/dev_1/service1"
  static let characteristic: ObjectPath = "/org/bluez/hci0/dev_1/service1/char2"

  private func interfaces(_ name: String, _ properties: [String: DBusValue]) -> DBusValue {
    .dictionary([DBusEntry(.string(name), .properties(properties))], key: "s", value: "a{sv}")
  }

  private var full: ObjectModel {
    var model = ObjectModel()
    _ = model.add(Self.adapter, interfaces("org.bluez.Adapter1", [:]))
    _ = model.add(Self.device, interfaces("org.bluez.Device1", ["Connected": .boolean(true)]))
    _ = model.add(
      Self.service,
      interfaces("org.bluez.GattService1", ["UUID": .string("1800"), "Device": .objectPath(Self.device)]))
    _ = model.add(
      Self.characteristic,
      interfaces("org.bluez.GattCharacteristic1", ["UUID": .string("2a00"), "Service": .objectPath(Self.service)]))
    return model
  }

  @Test func removingAnAdapterRemovesAllBelow() {
    var model = full
    let events = model.remove(Self.adapter, ["org.bluez.Adapter1"])
    #expect(
      events == [
        .characteristicGone(Self.characteristic), .deviceDisconnected(Self.device), .deviceGone(Self.device),
        .adapterGone(Self.adapter),
      ])
    #expect(model.present.isEmpty)
  }

  @Test func removingADeviceLeavesItsAdapter() {
    var model = full
    let events = model.remove(Self.device, ["org.bluez.Device1"])
    #expect(
      events == [
        .characteristicGone(Self.characteristic), .deviceDisconnected(Self.device), .deviceGone(Self.device),
      ])
    #expect(model.present == [.adapterAppeared(AdapterProperties(Self.adapter, [:]))])
    #expect(model.remove(Self.device, ["org.bluez.Device1"]).isEmpty)
  }

  @Test func aCharacteristicMayComeBeforeItsService() {
    var model = ObjectModel()
    _ = model.add(Self.device, interfaces("org.bluez.Device1", [:]))
    let early = model.add(
      Self.characteristic,
      interfaces("org.bluez.GattCharacteristic1", ["UUID": .string("2a00"), "Service": .objectPath(Self.service)]))
    #expect(early.isEmpty)
    let events = model.add(
      Self.service,
      interfaces("org.bluez.GattService1", ["UUID": .string("1800"), "Device": .objectPath(Self.device)]))
    #expect(events.count == 1)
    #expect(model.characteristics(of: Self.device, service: "1800").map(\.path) == [Self.characteristic])
  }

  @Test func aNewReadingReplacesTheOld() throws {
    var model = full
    let managed = DBusValue.dictionary(
      [DBusEntry(.objectPath("/org/bluez/hci1"), interfaces("org.bluez.Adapter1", ["Powered": .boolean(true)]))],
      key: "o", value: "a{sa{sv}}")
    let events = model.reset(managed)
    #expect(events.contains(.adapterGone(Self.adapter)) && events.contains(.deviceGone(Self.device)))
    #expect(model.adapters.map(\.path) == ["/org/bluez/hci1"] && model.devices.isEmpty)
  }

  /// bluetoothd 5.66 does not always say that a device is connected, only what follows.
  @Test func connectionsThatWereNotToldOf() {
    var model = ObjectModel()
    _ = model.add(Self.device, interfaces("org.bluez.Device1", ["Connected": .boolean(false)]))
    func change(_ name: String, _ value: Bool) -> [BlueZEvent] {
      model.change(Self.device, "org.bluez.Device1", .properties([name: .boolean(value)]), invalidated: [])
    }
    let resolved = change("ServicesResolved", true)
    #expect(resolved.dropFirst() == [.deviceConnected(Self.device), .servicesResolved(Self.device)])
    #expect(model.device(Self.device)?.isConnected == true)
    #expect(change("ServicesResolved", false).count == 1)
    #expect(change("Connected", false).dropFirst() == [.deviceDisconnected(Self.device)])
    // Ended before services were resolved.
    #expect(change("Connected", false).dropFirst() == [.deviceDisconnected(Self.device)])
    #expect(change("Connected", true).dropFirst() == [.deviceConnected(Self.device)])
  }

  static let wrongValues: [DBusValue] = [
    .byte(1), .boolean(true), .int16(-1), .uint32(7), .double(.nan), .string(""), .string("ÄÖ:Ü"), .objectPath("/"),
    .signature("a{sv}"), .bytes([]), .array([], of: "s"), .array([.strings(["x"])], of: "as"), .structure([.byte(1)]),
    .properties([:]), .properties(["x": .byte(1)]), .variant(.variant(.int16(3))),
    .dictionary([DBusEntry(.byte(1), .byte(2))], key: "y", value: "y"),
    .dictionary([DBusEntry(.uint16(1), .variant(.string("no bytes")))], key: "q", value: "v"),
  ]

  /// Any value in any property: what is wrong is as if it were not there, and nothing stops.
  @Test(arguments: wrongValues)
  func wrongTypesDoNoHarm(_ wrong: DBusValue) throws {
    let names = [
      "Address", "AddressType", "Adapter", "Name", "RSSI", "UUIDs", "ManufacturerData", "ServiceData", "Connected",
      "ServicesResolved", "Paired", "Trusted", "Powered", "Discovering", "Discoverable", "Roles", "UUID", "Service",
      "Device", "Flags", "MTU",
    ]
    for interface in ObjectModel.Interface.allCases {
      for name in names {
        var model = full
        _ = model.add("/org/bluez/x", interfaces(interface.rawValue, [name: wrong]))
        for path in [Self.adapter, Self.device, Self.service, Self.characteristic] {
          _ = model.change(path, interface.rawValue, .properties([name: wrong]), invalidated: [])
          _ = model.characteristic(path)
        }
        _ = model.present
        _ = model.characteristics(of: Self.device, service: "1800")
        _ = model.remove(Self.adapter, ["org.bluez.Adapter1"])
      }
    }
    let device = DeviceProperties(Self.device, ["Address": wrong, "RSSI": wrong, "UUIDs": wrong, "AddressType": wrong])
    #expect(device.address == nil && device.uuids.isEmpty && device.addressType == nil)
    #expect(device.rssi == wrong.asInt16)
    var model = full
    #expect(model.add(Self.device, wrong).isEmpty)
    #expect(model.change(Self.device, "org.bluez.Device1", wrong, invalidated: ["x"]).count <= 1)
    _ = model.reset(wrong)
    #expect(model.present.isEmpty)
  }

  @Test func devicesAreBounded() {
    var model = ObjectModel()
    let device = interfaces("org.bluez.Device1", [:])
    for number in 0..<(ObjectModel.objectLimit + 10) {
      _ = model.add(ObjectPath.root.appending("d\(number)"), device)
    }
    #expect(model.devices.count == ObjectModel.objectLimit)
  }

  @Test(arguments: [
    "", "00:11:22:33:44", "00:11:22:33:44:55:66", "0g:11:22:33:44:55", "00-11-22-33-44-55", "０0:11:22:33:44:55",
  ])
  func invalidAddresses(_ text: String) {
    #expect(BluetoothAddress(text) == nil)
  }

  @Test func addressesAndUUIDsAreNormalised() {
    #expect(BluetoothAddress("0a:bB:00:ff:10:01")?.description == "0A:BB:00:FF:10:01")
    #expect(BluetoothUUID("180F" + "") == BluetoothUUID("0000180f-0000-1000-8000-00805F9B34FB" + ""))
    #expect(BluetoothUUID("180" + "") == nil && BluetoothUUID("1-2-3-4-5" + "") == nil)
  }
}
