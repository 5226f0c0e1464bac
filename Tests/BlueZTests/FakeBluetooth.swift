import BlueZ
import DBus
import DBusTesting
import Foundation
import Testing

/// A private bus with the Python bluetoothd on it, a client of ours, and a second connection that tells the fake what
/// to do.
final class FakeBluetooth: Sendable {
  static let adapter: ObjectPath = "/org/bluez/hci0"
  static let device: ObjectPath = "/org/bluez/hci0/dev_00_AA_01_01_00_42"

  let bus: PrivateBus
  let daemon: PeerProcess
  let client: BlueZClient
  private let remote: DBusConnection

  init() async throws {
    bus = try await PrivateBus()
    daemon = try await Self.startDaemon(on: bus)
    client = try await BlueZClient.attach(to: DBusConnection.open(.address(bus.address)))
    remote = try await DBusConnection.open(.address(bus.address))
  }

  static func startDaemon(on bus: PrivateBus) async throws -> PeerProcess {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/fake_bluetoothd.py")
    let daemon = try bus.python(script)
    _ = try await daemon.nextLine()
    return daemon
  }

  /// Makes the fake do something.
  @discardableResult
  func tell(_ member: String, _ arguments: DBusValue...) async throws -> [DBusValue] {
    try await remote.call(MethodCall("org.bluez", "/", "org.example.Fake", member, arguments))
  }

  func set(_ path: ObjectPath, _ interface: String, _ name: String, _ value: DBusValue) async throws {
    try await tell("Set", .objectPath(path), .string(interface), .string(name), .variant(value))
  }

  /// The fake's log of what it was asked, where it contains `text`.
  func calls(with text: String) async throws -> [String] {
    try await tell("Calls").first?.asStrings?.filter { $0.contains(text) } ?? []
  }

  func addDevice(_ properties: [String: DBusValue] = [:]) async throws {
    let all: [String: DBusValue] = [
      "Address": .string("00:AA:01:01:00:42"), "AddressType": .string("random"),
      "Adapter": .objectPath(Self.adapter), "Connected": .boolean(false), "ServicesResolved": .boolean(false),
      "UUIDs": .strings(["0000180F-0000-1000-8000-00805F9B34FB"]),
    ].merging(properties) { $1 }
    try await add(Self.device, ["org.bluez.Device1": all])
  }

  /// A service with one characteristic for everything, below the device.
  func addService() async throws {
    let service = Self.device.appending("service0010")
    try await add(
      service, ["org.bluez.GattService1": ["UUID": .string("180f"), "Device": .objectPath(Self.device)]])
    try await add(
      service.appending("char0011"),
      [
        "org.bluez.GattCharacteristic1": [
          "UUID": .string("2a19"), "Service": .objectPath(service), "MTU": .uint16(517),
          "Flags": .strings(["read", "notify", "write-without-response", "encrypt-read"]),
        ]
      ])
  }

  static let characteristic = device.appending("service0010").appending("char0011")

  func add(_ path: ObjectPath, _ interfaces: [String: [String: DBusValue]]) async throws {
    let entries = interfaces.map { DBusEntry(.string($0.key), .properties($0.value)) }
    try await tell("Add", .objectPath(path), .dictionary(entries, key: "s", value: "a{sv}"))
  }
}

extension AsyncStream<BlueZEvent>.Iterator {
  /// The next event for which `transform` is not nil.
  mutating func first<Result>(_ transform: (BlueZEvent) -> Result?) async throws -> Result {
    while let event = await next() {
      if let result = transform(event) { return result }
    }
    throw StreamEnded()
  }

  mutating func wait(for expected: BlueZEvent) async throws {
    try await first { $0 == expected ? () : nil }
  }
}

struct StreamEnded: Error {}
