import BlueZ
import DBus
import DBusTesting
@testable import FieldBluetooth
import FieldCore
import FieldWire
import Foundation
import Logging
import Testing

/// A private bus with a bluetoothd in Python on it, a transport of ours, and a second connection that tells the fake
/// what to do: as a person with the adapter, or as a peer on the air.
final class FakeBluetooth: Sendable {
  static let adapter: ObjectPath = "/org/bluez/hci0"
  static let device: ObjectPath = "/org/bluez/hci0/dev_00_AA_01_01_00_42"
  static let address = PeerAddress(kind: .bluetooth, location: "00:AA:01:01:00:42")
  static let service: ObjectPath = "/org/fieldsync/bluetooth/service0"
  static let announcement: [UInt8] = [9, 8, 7, 6]

  let bus: PrivateBus
  let transport: BluetoothTransport
  private let daemon: PeerProcess
  private let running: Task<Void, any Error>
  private let remote: DBusConnection

  /// - Parameter radioSwitches: Where the kernel's switches are; nowhere, when nil.
  init(adapter: String? = nil, radioSwitches: String? = nil) async throws {
    bus = try await PrivateBus()
    daemon = try await Self.startDaemon(on: bus)
    remote = try await DBusConnection.open(.address(bus.address))
    var configuration = BluetoothConfiguration(
      adapter: adapter, announcement: [1, 2, 3, 4], bus: .address(bus.address))
    configuration.radioSwitches = radioSwitches ?? "/nowhere"
    let transport = BluetoothTransport(
      configuration: configuration,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    self.transport = transport
    running = Task { try await transport.run() }
  }

  deinit { running.cancel() }

  /// Returns once the transport has ended.
  func end() async {
    running.cancel()
    _ = await running.result
  }

  /// - Parameter failure: A member whose first call fails, and the error's name.
  static func startDaemon(on bus: PrivateBus, _ failure: [String] = []) async throws -> PeerProcess {
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "BlueZTests/Peers/fake_bluetoothd.py")
    let daemon = try bus.python(script, failure)
    _ = try await daemon.nextLine()
    return daemon
  }

  func killDaemon() { daemon.kill() }

  /// Returns once the status is as wanted.
  @discardableResult
  func status(where isWanted: @Sendable (BluetoothStatus) -> Bool) async throws -> BluetoothStatus {
    let status = await transport.statusChanges().first(where: isWanted)
    return try #require(status)
  }

  /// Everything is registered and discovery runs.
  func ready() async throws {
    try await status { $0.isServing && $0.isAdvertising && $0.isDiscovering }
  }

  // MARK: The fake

  @discardableResult
  func tell(_ member: String, _ arguments: DBusValue...) async throws -> [DBusValue] {
    try await remote.call(MethodCall("org.bluez", "/", "org.example.Fake", member, arguments))
  }

  func set(_ path: ObjectPath, _ interface: String, _ name: String, _ value: DBusValue) async throws {
    try await tell("Set", .objectPath(path), .string(interface), .string(name), .variant(value))
  }

  func power(_ isOn: Bool) async throws {
    try await set(Self.adapter, "org.bluez.Adapter1", "Powered", .boolean(isOn))
  }

  /// The fake's log of what it was asked, where it contains `text`.
  func calls(with text: String) async throws -> [String] {
    try await tell("Calls").first?.asStrings?.filter { $0.contains(text) } ?? []
  }

  /// Returns once it was asked so often.
  func called(_ text: String, atLeast count: Int) async throws {
    while try await calls(with: text).count < count { await Task.yield() }
  }

  func addDevice(_ properties: [String: DBusValue] = [:]) async throws {
    let all: [String: DBusValue] = [
      "Address": .string(Self.address.location), "AddressType": .string("random"),
      "Adapter": .objectPath(Self.adapter), "Connected": .boolean(false), "ServicesResolved": .boolean(false),
      "UUIDs": .strings(["f1e1d5bc-0001-4c4e-9d3c-2f6a0b1e5c5c"]), "RSSI": .int16(-60),
      "ManufacturerData": .dictionary(
        [DBusEntry(.uint16(0xFFFF), .variant(.bytes([0x10, 0] + Self.announcement)))], key: "q", value: "v"),
    ].merging(properties) { $1 }
    try await tell(
      "Add", .objectPath(Self.device),
      .dictionary([DBusEntry(.string("org.bluez.Device1"), .properties(all))], key: "s", value: "a{sv}"))
  }

  /// Offers our service at ``device``, as bluetoothd does once its services are resolved, with slot 0 for the reader.
  func addService() async throws {
    let service = Self.device.appending("service0010")
    func add(_ path: ObjectPath, _ interface: String, _ properties: [String: DBusValue]) async throws {
      try await tell(
        "Add", .objectPath(path),
        .dictionary([DBusEntry(.string(interface), .properties(properties))], key: "s", value: "a{sv}"))
    }
    try await add(
      service, "org.bluez.GattService1",
      ["UUID": .string(FieldService.uuid.description), "Device": .objectPath(Self.device)])
    let uuids = [FieldService.information, FieldService.control] + FieldService.receive + FieldService.transmit
    for (index, uuid) in uuids.enumerated() {
      try await add(
        Self.remoteCharacteristic(index), "org.bluez.GattCharacteristic1",
        [
          "UUID": .string(uuid.description), "Service": .objectPath(service), "MTU": .uint16(517),
          "Flags": .strings(["read", "write", "notify", "write-without-response"]),
        ])
    }
    let information = ServiceInformation(slot: .granted(0), maximumFrameByteCount: 495, nonce: Array(1...8))
    try await tell("Value", .objectPath(Self.remoteCharacteristic(0)), .bytes(information.encoded()))
  }

  /// Of ``addService()``, in the order INFO, CTRL, RX, TX.
  static func remoteCharacteristic(_ index: Int) -> ObjectPath {
    device.appending("service0010").appending("char001\(index)")
  }

  /// Dials the device with ``addService()``, and answers the link's OPEN.
  func dial() async throws -> any TransportConnection {
    let before = try await calls(with: "AcquireWrite").count
    async let connection = transport.connect(to: Self.address)
    try await called("AcquireWrite", atLeast: before + 1)
    let reply = try await tell("SocketReceive", .objectPath(Self.remoteCharacteristic(2)), .uint32(1))
    guard case .array(let datagrams, _) = reply.first, let bytes = datagrams.first?.asBytes else { throw StreamEnded() }
    let open = try LinkFrame(decoding: bytes)
    guard case .open(let parameters) = open.body else { throw StreamEnded() }
    let answer = LinkFrame(session: open.session, sequence: 0, body: .openAcknowledgement(parameters))
    try await tell(
      "SocketSend", .objectPath(Self.remoteCharacteristic(5)), .array([.bytes(answer.encoded())], of: "ay"))
    return try await connection
  }

  struct StreamEnded: Error {}

  // MARK: A peer that is the central

  static func characteristic(_ index: Int) -> ObjectPath { service.appending("characteristic\(index)") }
  static func receive(_ slot: Int) -> ObjectPath { characteristic(2 + slot) }
  static func transmit(_ slot: Int) -> ObjectPath { characteristic(5 + slot) }

  private static func options(of device: ObjectPath, offset: UInt16 = 0) -> DBusValue {
    .properties([
      "device": .objectPath(device), "mtu": .uint16(185), "link": .string("LE"), "offset": .uint16(offset),
    ])
  }

  func readInformation(by device: ObjectPath = device, offset: UInt16 = 0) async throws -> [UInt8] {
    let reply = try await tell(
      "PeerReads", .objectPath(Self.characteristic(0)), Self.options(of: device, offset: offset))
    return try #require(reply.first?.asBytes)
  }

  func writeControl(_ bytes: [UInt8], by device: ObjectPath = device) async throws {
    try await tell("PeerWrites", .objectPath(Self.characteristic(1)), .bytes(bytes), Self.options(of: device))
  }

  func acquire(_ path: ObjectPath, _ member: String, by device: ObjectPath = device) async throws {
    try await tell("Acquire", .objectPath(path), .string(member), Self.options(of: device))
  }

  func send(_ frames: [LinkFrame], to slot: Int) async throws {
    let datagrams = frames.map { DBusValue.bytes($0.encoded()) }
    try await tell("SocketSend", .objectPath(Self.receive(slot)), .array(datagrams, of: "ay"))
  }

  func frames(_ count: UInt32, from slot: Int) async throws -> [LinkFrame] {
    let reply = try await tell("SocketReceive", .objectPath(Self.transmit(slot)), .uint32(count))
    guard case .array(let values, _) = reply.first else { return [] }
    return try values.map { try LinkFrame(decoding: $0.asBytes ?? []) }
  }
}
