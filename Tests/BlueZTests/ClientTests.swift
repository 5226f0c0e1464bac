import BlueZ
import DBus
import DBusTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClientTests {
  static let adapter = FakeBluetooth.adapter
  static let device = FakeBluetooth.device

  @Test func adaptersAreThereFromTheStart() async throws {
    let fake = try await FakeBluetooth()
    let adapter = try #require(fake.client.adapters.first)
    #expect(fake.client.adapters.count == 1 && fake.client.isServiceRunning)
    #expect(adapter.path == Self.adapter && adapter.name == "hci0" && adapter.isPowered && !adapter.isDiscovering)
    #expect(adapter.address?.description == "00:AA:01:00:00:42" && adapter.addressType == .public)
    #expect(adapter.roles == ["central", "peripheral"])
  }

  @Test func aDeviceIsFoundChangesAndGoes() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    try await fake.addDevice([
      "RSSI": .int16(-60), "Name": .string("x"),
      "ManufacturerData": .dictionary([DBusEntry(.uint16(0xFFFF), .variant(.bytes([1, 2])))], key: "q", value: "v"),
    ])
    let found = try await events.first { if case .deviceFound(let device) = $0 { device } else { nil } }
    #expect(found.path == Self.device && found.adapter == Self.adapter)
    #expect(found.address?.description == "00:AA:01:01:00:42" && found.addressType == .random)
    #expect(found.rssi == -60 && found.name == "x" && found.uuids == ["180f"])
    #expect(found.manufacturerData == [0xFFFF: [1, 2]])
    #expect(!found.isConnected && !found.isPaired && !found.isTrusted)

    try await fake.set(Self.device, "org.bluez.Device1", "RSSI", .int16(-70))
    let heard = try await events.first { event -> (DeviceProperties, Set<String>)? in
      if case .deviceChanged(let device, let changed) = event { (device, changed) } else { nil }
    }
    #expect(heard.0.rssi == -70 && heard.1 == ["RSSI"])
    try await fake.tell("Invalidate", .objectPath(Self.device), .string("org.bluez.Device1"), .string("RSSI"))
    let unheard = try await events.first { if case .deviceChanged(let device, _) = $0 { device } else { nil } }
    #expect(unheard.rssi == nil)

    try await fake.tell("Remove", .objectPath(Self.device), .strings(["org.bluez.Device1"]))
    try await events.wait(for: .deviceGone(Self.device))
    #expect(fake.client.devices.isEmpty && fake.client.device(Self.device) == nil)
  }

  @Test func connectingResolvesServices() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    try await fake.addDevice()
    try await fake.addService()
    let device = Device(Self.device, of: fake.client)
    try await device.connect(timeout: .seconds(5))
    try await events.wait(for: .deviceConnected(Self.device))
    try await events.wait(for: .servicesResolved(Self.device))
    let characteristic = try #require(fake.client.characteristics(of: Self.device, service: "180f").first)
    #expect(characteristic.uuid == "2a19" && characteristic.mtu == 517 && characteristic.device == Self.device)
    #expect(characteristic.flags == [.read, .notify, .writeWithoutResponse])
    #expect(fake.client.characteristics(of: Self.device, service: "1801").isEmpty)
    try await device.disconnect()
    try await events.wait(for: .deviceDisconnected(Self.device))
    #expect(device.properties?.areServicesResolved == false)
  }

  @Test func whoComesLaterHearsWhatIsPresent() async throws {
    let fake = try await FakeBluetooth()
    try await fake.addDevice(["Connected": .boolean(true), "ServicesResolved": .boolean(true)])
    try await fake.addService()
    var first = fake.client.events().makeAsyncIterator()
    let characteristic = try await first.first {
      if case .characteristicAppeared(let characteristic) = $0 { characteristic } else { nil }
    }
    var events = fake.client.events().makeAsyncIterator()
    #expect(await events.next() == .adapterAppeared(try #require(fake.client.adapter(Self.adapter))))
    #expect(await events.next() == .deviceFound(try #require(fake.client.device(Self.device))))
    #expect(await events.next() == .deviceConnected(Self.device))
    #expect(await events.next() == .servicesResolved(Self.device))
    #expect(await events.next() == .characteristicAppeared(characteristic))
  }

  /// bluetoothd that dies takes everything with it, and a new one brings its own.
  @Test func bluetoothdLeavesAndReturns() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    try await fake.addDevice(["Connected": .boolean(true)])
    try await fake.addService()
    _ = try await events.first { if case .characteristicAppeared = $0 { true } else { nil } }
    fake.daemon.kill()
    try await events.wait(for: .characteristicGone(FakeBluetooth.characteristic))
    try await events.wait(for: .deviceDisconnected(Self.device))
    try await events.wait(for: .deviceGone(Self.device))
    try await events.wait(for: .adapterGone(Self.adapter))
    try await events.wait(for: .serviceGone)
    #expect(!fake.client.isServiceRunning && fake.client.adapters.isEmpty)
    await #expect(throws: BlueZError(.serviceGone, "")) {
      try await Adapter(Self.adapter, of: fake.client).startDiscovery()
    }
    let again = try await FakeBluetooth.startDaemon(on: fake.bus)
    try await events.wait(for: .serviceBack)
    _ = try await events.first { if case .adapterAppeared = $0 { true } else { nil } }
    #expect(fake.client.isServiceRunning)
    again.kill()
    try await events.wait(for: .serviceGone)
  }

  @Test func itIsNoErrorThatBluetoothdDoesNotRunYet() async throws {
    let bus = try await PrivateBus()
    let client = try await BlueZClient.attach(to: DBusConnection.open(.address(bus.address)))
    #expect(!client.isServiceRunning)
    var events = client.events().makeAsyncIterator()
    let daemon = try await FakeBluetooth.startDaemon(on: bus)
    #expect(await events.next() == .serviceBack)
    daemon.kill()
    try await events.wait(for: .serviceGone)
  }

  @Test func aLostBusEndsStreamsAndCalls() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    _ = await events.next()
    fake.bus.kill()
    #expect(await events.next() == nil)
    await #expect(throws: BlueZError(.busLost, "")) {
      try await Adapter(Self.adapter, of: fake.client).startDiscovery()
    }
    var after = fake.client.events().makeAsyncIterator()
    #expect(await after.next() == nil || !fake.client.isServiceRunning)
  }

  /// Only bluetoothd is believed, whatever others on the bus say.
  @Test func strangersAreNotBelieved() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    let stranger = try await DBusConnection.open(.address(fake.bus.address))
    let forged = DBusValue.dictionary(
      [DBusEntry(.string("org.bluez.Device1"), .properties(["Address": .string("66:66:66:66:66:66")]))],
      key: "s", value: "a{sv}")
    try await stranger.emit(
      DBusSignal(
        .root, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
        [.objectPath("/org/bluez/hci0/dev_66"), forged]))
    // A call through the same connection is answered after the signal was passed on.
    _ = try await stranger.owner(of: "org.bluez")
    try await fake.addDevice()
    let found = try await events.first { if case .deviceFound(let device) = $0 { device } else { nil } }
    #expect(found.path == Self.device && fake.client.devices.count == 1)
  }

  @Test func discoveryIsAskedForAsItShould() async throws {
    let fake = try await FakeBluetooth()
    var events = fake.client.events().makeAsyncIterator()
    let adapter = Adapter(Self.adapter, of: fake.client)
    try await adapter.setDiscoveryFilter(DiscoveryFilter(uuids: ["180f"]))
    try await adapter.startDiscovery()
    _ = try await events.first { event -> Bool? in
      if case .adapterChanged(let adapter, changed: ["Discovering"]) = event, adapter.isDiscovering {
        true
      } else {
        nil
      }
    }
    try await adapter.stopDiscovery()
    try await adapter.setPowered(false)
    _ = try await events.first { event -> Bool? in
      if case .adapterChanged(let adapter, changed: ["Powered"]) = event, !adapter.isPowered { true } else { nil }
    }
    try await adapter.removeDevice(Self.device)
    let filter = try #require(try await fake.calls(with: "SetDiscoveryFilter").first)
    #expect(filter.contains("'Transport'") && filter.contains("'le'") && filter.contains("0000180f-0000-1000"))
    #expect(try await fake.calls(with: "RemoveDevice").first?.hasSuffix(Self.device.text) == true)
  }

  @Test(arguments: BlueZError.Code.allCases.filter { !$0.isOwn })
  func bluetoothdsErrorsKeepTheirMeaning(_ code: BlueZError.Code) async throws {
    let fake = try await FakeBluetooth()
    try await fake.tell(
      "Fail", .string("StartDiscovery"), .string("org.bluez.Error.\(code.rawValue)"), .string("because"))
    let error = await #expect(throws: BlueZError.self) {
      try await Adapter(Self.adapter, of: fake.client).startDiscovery()
    }
    #expect(error?.code == code && error?.reason == "because")
  }

  @Test(arguments: [
    ("org.bluez.Error.own.linkClosed", BlueZError.Code.other), ("org.bluez.Error.Unheard", .other),
    ("org.freedesktop.DBus.Error.NoReply", .serviceGone), ("org.freedesktop.DBus.Error.UnknownObject", .objectGone),
    ("org.freedesktop.DBus.Error.AccessDenied", .other),
  ])
  func otherErrorsAreTold(_ name: String, _ code: BlueZError.Code) async throws {
    let fake = try await FakeBluetooth()
    try await fake.tell("Fail", .string("StartDiscovery"), .string(name), .string(""))
    await #expect(throws: BlueZError(code, "")) {
      try await Adapter(Self.adapter, of: fake.client).startDiscovery()
    }
  }

  @Test func remoteCharacteristicsAreReadWrittenAndAcquired() async throws {
    let fake = try await FakeBluetooth()
    try await fake.addDevice()
    try await fake.addService()
    let path = FakeBluetooth.characteristic
    let characteristic = RemoteCharacteristic(path, of: fake.client)
    #expect(try await characteristic.read() == [1, 2, 3])
    try await characteristic.write([9], .command)
    #expect(try await fake.calls(with: "WriteValue").first?.contains("'command'") == true)

    let writing = try await characteristic.acquireWrite()
    #expect(writing.mtu == 517)
    try await writing.socket.send([1, 2])
    try await writing.socket.send([3])
    let received = try await fake.tell("SocketReceive", .objectPath(path), .uint32(2))
    #expect(received.first?.asArray?.map(\.asBytes) == [[1, 2], [3]])

    let notified = try await characteristic.acquireNotify()
    try await fake.tell("SocketSend", .objectPath(path), .array([.bytes([7]), .bytes([]), .bytes([8, 9])], of: "ay"))
    #expect(try await notified.socket.receive() == [7])
    #expect(try await notified.socket.receive() == [])
    #expect(try await notified.socket.receive() == [8, 9])
    try await fake.tell("SocketClose", .objectPath(path))
    #expect(try await notified.socket.receive() == nil)
    try await fake.tell("Fail", .string("AcquireWrite"), .string("org.bluez.Error.NotPermitted"), .string(""))
    await #expect(throws: BlueZError(.notPermitted, "")) { try await characteristic.acquireWrite() }
  }
}
