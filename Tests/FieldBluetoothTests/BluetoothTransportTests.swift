import DBus
import DBusTesting
import FieldBluetooth
import FieldCore
import FieldWire
import Testing

/// Against a bluetoothd that is told what to do. What the real one does is the lab's business.
@Suite(.timeLimit(.minutes(1)))
struct BluetoothTransportTests {
  // MARK: Adapter

  @Test func everythingIsRegisteredAnewWhenBluetoothdComesBack() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    fake.killDaemon()
    let gone = try await fake.status { $0.problem != nil }
    #expect(gone.problem?.code == .serviceNotRunning)
    #expect(!gone.isServing && !gone.isAdvertising && !gone.isDiscovering)
    let daemon = try await FakeBluetooth.startDaemon(on: fake.bus)
    try await fake.ready()
    #expect(fake.transport.status.problem == nil)
    let tree = try await fake.tell("Advertised", .objectPath("/org/fieldsync/advertisement"))
    let advertised = try #require(tree.first?.asProperties)
    #expect(advertised["ServiceUUIDs"]?.asStrings == ["f1e1d5bc-0001-4c4e-9d3c-2f6a0b1e5c5c"])
    #expect(advertised["Discoverable"]?.asBool == true)
    daemon.kill()
  }

  @Test func anAdapterThatIsOffIsWaitedFor() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.power(false)
    let off = try await fake.status { $0.problem?.code == .adapterOff }
    #expect(!off.isServing && !off.isAdvertising && !off.isDiscovering)
    await #expect(throws: TransportError(.unavailable, "")) {
      try await fake.transport.connect(to: FakeBluetooth.address)
    }
    try await fake.power(true)
    try await fake.ready()
    #expect(try await fake.calls(with: "RegisterAdvertisement").count >= 2)
  }

  @Test func aMissingAdapterIsSaid() async throws {
    let fake = try await FakeBluetooth(adapter: "hci7")
    let status = try await fake.status { $0.problem != nil }
    #expect(status.problem?.code == .adapterMissing)
    #expect(status.adapter == nil)
  }

  @Test func anAdapterCanBeNamedByItsAddress() async throws {
    let fake = try await FakeBluetooth(adapter: "00:aa:01:00:00:42")
    try await fake.ready()
    #expect(fake.transport.status.adapter == "hci0")
  }

  @Test func aRefusedAdvertisementIsSaidAndTriedAgain() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.tell(
      "Fail", .string("RegisterAdvertisement"), .string("org.bluez.Error.NotPermitted"), .string("full"))
    try await fake.tell("Release", .objectPath("/org/fieldsync/advertisement"))
    let refused = try await fake.status { $0.problem != nil }
    #expect(refused.problem?.code == .advertisementRefused)
    #expect(refused.isServing && !refused.isAdvertising)
    try await fake.status { $0.isAdvertising && $0.problem == nil }
  }

  @Test func aDiscoveryThatWasLeftBehindIsEnded() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.tell("Fail", .string("StartDiscovery"), .string("org.bluez.Error.InProgress"), .string("busy"))
    try await fake.power(false)
    try await fake.status { !$0.isDiscovering }
    let stops = try await fake.calls(with: "StopDiscovery").count
    try await fake.power(true)
    try await fake.ready()
    #expect(try await fake.calls(with: "StopDiscovery").count > stops)
    #expect(try await fake.calls(with: "StartDiscovery").count == 3)
  }

  @Test func whatIsAnnouncedCanChange() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    await fake.transport.announce([0xFA, 0xFB])
    var announced: [DBusEntry]?
    repeat {
      let properties = try await fake.tell("Advertised", .objectPath("/org/fieldsync/advertisement")).first?
        .asProperties
      announced = properties?["ManufacturerData"]?.asEntries
    } while announced?.first?.value.asBytes != [0x10, 0, 0xFA, 0xFB, 0, 0]
    #expect(announced?.first?.key.asUInt16 == 0xFFFF)
  }

  /// A connection takes it off the air. What is registered in its place the kernel may not put there.
  @Test func anAdvertisementIsRenewedAfterALinkWithoutBeingRegisteredAnew() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.set(FakeBluetooth.device, "org.bluez.Device1", "Connected", .boolean(true))
    try await fake.called("/org/fieldsync/advertisement changed ManufacturerData", atLeast: 1)
    #expect(fake.transport.status.isAdvertising)
    #expect(try await fake.calls(with: " RegisterAdvertisement").count == 1)
    #expect(try await fake.calls(with: "UnregisterAdvertisement").isEmpty)
  }

  // MARK: Sightings

  @Test func peersAppearWithTheirAnnouncementAndVanish() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    var sightings = fake.transport.sightings().makeAsyncIterator()
    try await fake.addDevice()
    let sighting = try #require(await sightings.next())
    #expect(
      sighting
        == PeerSighting(address: FakeBluetooth.address, change: .appeared, announcement: FakeBluetooth.announcement))
    try await fake.tell("Remove", .objectPath(FakeBluetooth.device), .strings(["org.bluez.Device1"]))
    #expect(await sightings.next()?.change == .vanished)
  }

  @Test func devicesWithoutTheServiceAreNotPeers() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    var sightings = fake.transport.sightings().makeAsyncIterator()
    try await fake.addDevice(["UUIDs": .strings(["180f"])])
    try await fake.set(FakeBluetooth.device, "org.bluez.Device1", "RSSI", .int16(-50))
    try await fake.set(
      FakeBluetooth.device, "org.bluez.Device1", "UUIDs", .strings(["f1e1d5bc-0001-4c4e-9d3c-2f6a0b1e5c5c"]))
    // The first one is only told of now.
    #expect(await sightings.next()?.address == FakeBluetooth.address)
    #expect(fake.transport.status.problem == nil)
  }

  // MARK: A central comes

  private func open(session: UInt16) -> LinkFrame {
    LinkFrame(
      session: session, sequence: 0,
      body: .open(
        LinkParameters(
          protocolVersion: 1, maximumFrameByteCount: 182, windowFrameCount: 64, maximumMessageByteCount: 4096)))
  }

  /// Goes through all that a central does, up to a link.
  private func link(
    _ fake: FakeBluetooth, session: UInt16
  ) async throws -> (slot: Int, nonce: [UInt8], any TransportConnection) {
    let information = try await fake.readInformation()
    let slot = Int(information[4])
    let nonce = Array(information[8..<16])
    try await fake.writeControl([1, 1] + nonce)
    try await fake.acquire(FakeBluetooth.transmit(slot), "AcquireNotify")
    try await fake.acquire(FakeBluetooth.receive(slot), "AcquireWrite")
    try await fake.send([open(session: session)], to: slot)
    let answer = try #require(try await fake.frames(1, from: slot).first)
    #expect(answer.session == session)
    guard case .openAcknowledgement(let parameters) = answer.body else {
      Issue.record("the answer to OPEN is \(answer.body)")
      throw TransportError(.protocolViolation, "no OPEN_ACK")
    }
    #expect(parameters.maximumFrameByteCount == 180)
    try await fake.send(
      [LinkFrame(session: session, sequence: 0, flags: [.first, .last], body: .data(Array("hello".utf8)))], to: slot)
    let connection = try #require(await fake.transport.incomingConnections().first { _ in true })
    return (slot, nonce, connection)
  }

  @Test func aCentralOpensALink() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    #expect(try await fake.readInformation().count == 16)
    let (slot, _, connection) = try await link(fake, session: 0xABCD)
    #expect(try await connection.receive() == Array("hello".utf8))
    #expect(connection.peerDescription == "ble://…00:42 over GATT")
    try await fake.status { $0.linkCount == 1 }
    // The end of bluetoothd's socket is the end of the link.
    try await fake.tell("SocketClose", .objectPath(FakeBluetooth.transmit(slot)))
    await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
    try await fake.status { $0.linkCount == 0 }
  }

  @Test func aCentralThatSaysHelloAgainGetsANewLink() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    let (slot, nonce, first) = try await link(fake, session: 1)
    _ = try await first.receive()
    try await fake.writeControl([1, 1] + nonce)
    await #expect(throws: TransportError(.connectionLost, "")) { try await first.receive() }
    let (again, _, second) = try await link(fake, session: 2)
    #expect(again == slot)
    #expect(try await second.receive() == Array("hello".utf8))
  }

  @Test func byeEndsTheLinkAndFreesTheSlot() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    let (_, nonce, connection) = try await link(fake, session: 7)
    _ = try await connection.receive()
    try await fake.writeControl([2, 1] + nonce)
    await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
    #expect(try await fake.readInformation()[8..<16] != nonce[...])
  }

  @Test func theFourthDeviceIsToldToComeLater() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    var slots: Set<UInt8> = []
    for index in 0..<3 {
      let device = FakeBluetooth.adapter.appending("dev_00_AA_01_01_00_0\(index)")
      slots.insert(try await fake.readInformation(by: device)[4])
    }
    #expect(slots == [0, 1, 2])
    let information = try await fake.readInformation()
    #expect(information[4] == 0xFF)
    #expect((1...11).contains(information[5]))
    await #expect(throws: DBusError.reply("org.bluez.Error.NotPermitted", "")) {
      try await fake.writeControl([1, 1] + information[8..<16])
    }
  }

  @Test func informationCanBeReadInParts() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    await #expect(throws: DBusError.reply("org.bluez.Error.InvalidOffset", "")) {
      try await fake.readInformation(offset: 4)
    }
    let whole = try await fake.readInformation()
    #expect(try await fake.readInformation(offset: 10) == Array(whole[10...]))
  }

  @Test func framesToASlotThatNobodyHoldsAreDropped() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.acquire(FakeBluetooth.transmit(1), "AcquireNotify")
    try await fake.acquire(FakeBluetooth.receive(1), "AcquireWrite")
    try await fake.send([open(session: 1)], to: 1)
    // The next one that comes is another's.
    let (_, _, connection) = try await link(fake, session: 2)
    #expect(try await connection.receive() == Array("hello".utf8))
    #expect(fake.transport.status.linkCount == 1)
  }

  // MARK: Dialling

  @Test func aPeerWithoutTheServiceIsForgottenAndLeft() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.tell(
      "Fail", .string("Connect"), .string("org.bluez.Error.Failed"), .string("le-connection-abort-by-local"))
    await #expect(throws: TransportError(.unreachable, "")) {
      try await fake.transport.connect(to: FakeBluetooth.address)
    }
    // The first failure was worth another try.
    #expect(try await fake.calls(with: " Connect").count == 2)
    #expect(try await fake.calls(with: "RemoveDevice").count == 1)
    let calls = try await fake.calls(with: "/")
    let stop = try #require(calls.firstIndex { $0.contains("StopDiscovery") })
    let connect = try #require(calls.firstIndex { $0.contains(" Connect") })
    #expect(stop < connect)
    #expect(calls.lastIndex { $0.contains(" Disconnect") }.map { connect < $0 } ?? false)
    try await fake.ready()
  }

  /// Of a peer whose process was killed and started anew bluetoothd remembers the handles of before.
  @Test(arguments: [true, false]) func aPeerWhoseInformationCannotBeReadIsForgotten(isRefused: Bool) async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    if isRefused {
      try await fake.tell(
        "Fail", .string("ReadValue"), .string("org.bluez.Error.Failed"),
        .string("Operation failed with ATT error: 0x01"))
    } else {
      try await fake.tell("Value", .objectPath(FakeBluetooth.remoteCharacteristic(0)), .bytes(Array("a name".utf8)))
    }
    await #expect(throws: TransportError.self) { try await fake.transport.connect(to: FakeBluetooth.address) }
    #expect(try await fake.calls(with: "RemoveDevice").count == 1)
  }

  /// It has dialled this device while this one dialled it: with bluetoothd's memory of it its link would go.
  @Test func aPeerThatHasALinkHereIsNotForgotten() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    try await fake.tell("Hold", .string("ReadValue"))
    let dial = Task { try await fake.transport.connect(to: FakeBluetooth.address) }
    try await fake.called("ReadValue", atLeast: 1)
    let (_, _, connection) = try await link(fake, session: 1)
    try await fake.tell("Answer", .string("ReadValue"), .string("org.bluez.Error.Failed"), .string("0x01"))
    await #expect(throws: TransportError(.unreachable, "")) { try await dial.value }
    #expect(try await fake.calls(with: "RemoveDevice").isEmpty)
    #expect(try await fake.calls(with: " Disconnect").isEmpty)
    #expect(try await connection.receive() == Array("hello".utf8))
  }

  /// A link that ends says goodbye first, which takes its time: who dials the device meanwhile keeps the connection.
  @Test func theEndOfALinkLeavesTheConnectionToTheNextDial() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    let connection = try await fake.dial()
    let writes = try await fake.calls(with: "WriteValue").count
    try await fake.tell("Hold", .string("WriteValue"))
    await connection.close()
    try await fake.called("WriteValue", atLeast: writes + 1)
    try await fake.tell("Hold", .string("ReadValue"))
    let next = Task { try await fake.transport.connect(to: FakeBluetooth.address) }
    try await fake.called("ReadValue", atLeast: 2)
    try await fake.tell("Answer", .string("WriteValue"), .string(""), .string(""))
    // What is done after that shows that the answer has been read.
    let registrations = try await fake.calls(with: "RegisterAdvertisement").count
    try await fake.tell("Release", .objectPath("/org/fieldsync/advertisement"))
    try await fake.called("RegisterAdvertisement", atLeast: registrations + 1)
    #expect(try await fake.calls(with: " Disconnect").isEmpty)
    try await fake.tell("Answer", .string("ReadValue"), .string("org.bluez.Error.Failed"), .string("enough"))
    await #expect(throws: TransportError.self) { try await next.value }
  }

  /// Who comes back at the moment at which the loss of a link is known finds the way free. Many times, as it takes two
  /// tasks in the wrong order.
  @Test func aLinkThatBrokeIsInNobodysWay() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    for _ in 0..<20 {
      let connection = try await fake.dial()
      try await fake.set(FakeBluetooth.device, "org.bluez.Device1", "Connected", .boolean(false))
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
      try await fake.tell("Fail", .string("Connect"), .string("org.bluez.Error.Failed"), .string("enough"))
      await #expect(throws: TransportError(.unreachable, "")) {
        try await fake.transport.connect(to: FakeBluetooth.address)
      }
    }
  }

  @Test func pairedDevicesAreNotForgotten() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice(["Paired": .boolean(true)])
    await #expect(throws: TransportError(.unreachable, "")) {
      try await fake.transport.connect(to: FakeBluetooth.address)
    }
    #expect(try await fake.calls(with: "RemoveDevice").isEmpty)
  }

  @Test func diallingThatNeverWorksIsSaid() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    for _ in 0..<3 {
      try await fake.tell("Fail", .string("Connect"), .string("org.bluez.Error.Failed"), .string("no such luck"))
      await #expect(throws: TransportError(.unreachable, "")) {
        try await fake.transport.connect(to: FakeBluetooth.address)
      }
    }
    let status = try await fake.status { $0.problem != nil }
    #expect(status.problem?.code == .cannotDial)
    #expect(status.problem?.reason.contains("no such luck") == true)
  }

  @Test func addressesOfOtherKindsAreRefused() async throws {
    let fake = try await FakeBluetooth()
    for location in ["", "00:11:22:33:44", "00:11:22:33:44:5G", "hci0"] {
      await #expect(throws: TransportError(.badAddress, "")) {
        try await fake.transport.connect(to: PeerAddress(kind: .bluetooth, location: location))
      }
    }
    await #expect(throws: TransportError(.badAddress, "")) {
      try await fake.transport.connect(to: PeerAddress(kind: .lan, location: "00:11:22:33:44:55"))
    }
  }

  @Test func everyProblemHasARemedyOfOneLine() {
    for code in BluetoothProblem.Code.allCases {
      let remedy = BluetoothProblem(code, "").remedy
      #expect(!remedy.isEmpty && !remedy.contains("\n"))
    }
  }
}
