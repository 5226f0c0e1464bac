import DBus
import DBusTesting
@testable import FieldBluetooth
import FieldCore
import Foundation
import Synchronization
import Testing

/// What comes and goes below a transport: bluetoothd, the adapter, the radio's switch, the message bus.
@Suite(.timeLimit(.minutes(1)))
struct AdapterLifeTests {
  private static let adapterInterfaces = [
    "org.bluez.Adapter1", "org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1",
  ]

  /// As after the restart of a bluetoothd that knew the device while it did not offer our service.
  private static let remembered: [String: DBusValue] = [
    "UUIDs": .strings(["00001800-0000-1000-8000-00805f9b34fb", "00001801-0000-1000-8000-00805f9b34fb"])
  ]

  // MARK: What bluetoothd remembers

  @Test func aPeerOfWhichOtherServicesAreRememberedIsForgottenAndFoundAnew() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    var sightings = fake.transport.sightings().makeAsyncIterator()
    try await fake.addDevice(Self.remembered)
    try await fake.called("RemoveDevice", atLeast: 1)
    try await fake.tell("Remove", .objectPath(FakeBluetooth.device), .strings(["org.bluez.Device1"]))
    try await fake.addDevice()
    #expect(await sightings.next()?.address == FakeBluetooth.address)
    #expect(try await fake.calls(with: "RemoveDevice").count == 1)
  }

  @Test func aPairedPeerOfWhichOtherServicesAreRememberedIsBelieved() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    var sightings = fake.transport.sightings().makeAsyncIterator()
    try await fake.addDevice(Self.remembered.merging(["Paired": .boolean(true)]) { $1 })
    #expect(await sightings.next()?.address == FakeBluetooth.address)
    #expect(try await fake.calls(with: "RemoveDevice").isEmpty)
  }

  // MARK: bluetoothd

  @Test func aBluetoothdThatComesBackAndRefusesAtFirstIsAskedAgain() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    fake.killDaemon()
    try await fake.status { $0.problem?.code == .serviceNotRunning }
    let daemon = try await FakeBluetooth.startDaemon(
      on: fake.bus, ["GetManagedObjects", "org.freedesktop.DBus.Error.NoMemory"])
    try await fake.ready()
    daemon.kill()
  }

  /// The answer to a call of before the adapter was off may come long after the adapter is well again.
  @Test func aLateRefusalOfTheTimeBeforeIsNoProblem() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.power(false)
    try await fake.status { $0.problem?.code == .adapterOff }
    try await fake.tell("Hold", .string("RegisterApplication"))
    try await fake.power(true)
    try await fake.called("RegisterApplication", atLeast: 2)
    try await fake.power(false)
    try await fake.status { $0.problem?.code == .adapterOff }
    try await fake.power(true)
    try await fake.ready()
    try await fake.tell(
      "Answer", .string("RegisterApplication"), .string("org.freedesktop.DBus.Error.NoReply"), .string("late"))
    // What is done after that shows that the answer has been read.
    try await fake.tell("Release", .objectPath("/org/fieldsync/advertisement"))
    try await fake.status { !$0.isAdvertising }
    let status = try await fake.status { $0.isAdvertising }
    #expect(status.isServing)
    #expect(status.problem == nil)
  }

  /// Real bluetoothd keeps an advertisement whose owner left before it was registered, and has room for a few.
  @Test func whatIsBeingRegisteredIsWaitedForAtTheEnd() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    let registrations = try await fake.calls(with: "RegisterAdvertisement").count
    try await fake.tell("Hold", .string("RegisterAdvertisement"))
    try await fake.tell("Release", .objectPath("/org/fieldsync/advertisement"))
    try await fake.called("RegisterAdvertisement", atLeast: registrations + 1)
    let order = Mutex<[String]>([])
    let end = Task {
      await fake.end()
      order.withLock { $0.append("end") }
    }
    // Time enough for who does not wait.
    for _ in 0..<200 { _ = try await fake.calls(with: "RegisterAdvertisement") }
    order.withLock { $0.append("answer") }
    try await fake.tell("Answer", .string("RegisterAdvertisement"), .string(""), .string(""))
    await end.value
    #expect(order.withLock { $0 } == ["answer", "end"])
    #expect(try await fake.calls(with: "RegisterAdvertisement").count == registrations + 1)
  }

  /// Real bluetoothd takes two seconds to disconnect, and would end what the next program has begun by then.
  @Test func theEndLeavesTheConnectionToTheNextProgram() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    let connection = try await fake.dial()
    let registrations = try await fake.calls(with: "RegisterAdvertisement").count
    try await fake.tell("Hold", .string("RegisterAdvertisement"))
    try await fake.tell("Release", .objectPath("/org/fieldsync/advertisement"))
    try await fake.called("RegisterAdvertisement", atLeast: registrations + 1)
    let writes = try await fake.calls(with: "WriteValue").count
    try await fake.tell("Hold", .string("WriteValue"))
    await connection.close()
    try await fake.called("WriteValue", atLeast: writes + 1)
    // When it has said goodbye it is ending, and waits for the registration: time enough for who would disconnect then.
    let end = Task { await fake.end() }
    for _ in 0..<100 { _ = try await fake.calls(with: "WriteValue") }
    try await fake.tell("Answer", .string("WriteValue"), .string(""), .string(""))
    for _ in 0..<100 { _ = try await fake.calls(with: "WriteValue") }
    try await fake.tell("Answer", .string("RegisterAdvertisement"), .string(""), .string(""))
    await end.value
    #expect(try await fake.calls(with: " Disconnect").isEmpty)
  }

  @Test func aConnectionWhoseLinkEndedIsEnded() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    try await fake.addDevice()
    try await fake.addService()
    try await fake.dial().close()
    try await fake.called(" Disconnect", atLeast: 1)
  }

  // MARK: Adapter

  @Test func anAdapterThatIsPluggedInLaterIsUsed() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    let registrations = try await fake.calls(with: "RegisterAdvertisement").count
    try await fake.tell("Unplug", .objectPath(FakeBluetooth.adapter))
    let missing = try await fake.status { $0.problem != nil }
    #expect(missing.problem?.code == .adapterMissing)
    #expect(missing.adapter == nil && !missing.isServing && !missing.isAdvertising && !missing.isDiscovering)
    await #expect(throws: TransportError(.unavailable, "")) {
      try await fake.transport.connect(to: FakeBluetooth.address)
    }
    try await fake.tell("Plug", .objectPath(FakeBluetooth.adapter), .boolean(false))
    try await fake.status { $0.problem?.code == .adapterOff }
    try await fake.power(true)
    try await fake.ready()
    #expect(fake.transport.status.problem == nil)
    #expect(try await fake.calls(with: "RegisterAdvertisement").count == registrations + 1)
  }

  @Test func aSilencedRadioIsToldFromOneThatIsOff() async throws {
    let switches = FileManager.default.temporaryDirectory.appending(path: "rfkill-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: switches) }
    #expect(RadioSwitches(directory: switches.path).block(of: "hci0") == nil)
    func write(_ values: [String: String], to name: String) throws {
      let directory = switches.appending(path: name)
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      for (file, value) in values {
        try Data((value + "\n").utf8).write(to: directory.appending(path: file))
      }
    }
    try write(["name": "phy0", "soft": "1", "hard": "0"], to: "rfkill0")
    try write(["name": "hci0", "soft": "1", "hard": "1"], to: "rfkill1")
    #expect(RadioSwitches(directory: switches.path).block(of: "hci0") == .hard)
    try write(["soft": "0", "hard": "0"], to: "rfkill1")
    #expect(RadioSwitches(directory: switches.path).block(of: "hci0") == nil)
    let fake = try await FakeBluetooth(radioSwitches: switches.path)
    try await fake.ready()
    try await fake.power(false)
    try await fake.status { $0.problem?.code == .adapterOff }
    try write(["soft": "1"], to: "rfkill1")
    let blocked = try await fake.status { $0.problem?.code == .adapterBlocked }
    #expect(blocked.problem?.remedy.contains("rfkill unblock") == true)
    try write(["soft": "0", "hard": "0"], to: "rfkill1")
    try await fake.power(true)
    try await fake.ready()
    #expect(fake.transport.status.problem == nil)
  }

  // MARK: The message bus

  @Test func everythingIsRegisteredAnewOnANewBus() async throws {
    let fake = try await FakeBluetooth()
    try await fake.ready()
    fake.bus.kill()
    let lost = try await fake.status { $0.problem != nil }
    #expect(lost.problem?.code == .busUnavailable)
    #expect(lost.adapter == nil && !lost.isServing && !lost.isAdvertising && !lost.isDiscovering)
    await #expect(throws: TransportError(.unavailable, "")) {
      try await fake.transport.connect(to: FakeBluetooth.address)
    }
    try await fake.bus.restart()
    try await fake.status { $0.problem?.code == .serviceNotRunning }
    let daemon = try await FakeBluetooth.startDaemon(on: fake.bus)
    try await fake.ready()
    #expect(fake.transport.status.problem == nil)
    daemon.kill()
  }
}
