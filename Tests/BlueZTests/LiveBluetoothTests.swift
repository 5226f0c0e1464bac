import BlueZ
import DBus
import Foundation
import Synchronization
import Testing

/// The adapters of the lab.
private enum Lab {
  static let adapters = (ProcessInfo.processInfo.environment["FIELD_LAB_ADAPTERS"] ?? "").split(separator: " ")
}

/// Against the real bluetoothd, with two adapters that hear each other: one serves, the other dials. Needs such a
/// machine, which the lab makes; there `FIELD_LAB_ADAPTERS` names them (`hci0 hci1`).
@Suite(.enabled(if: Lab.adapters.count == 2, "run it in the lab"), .serialized, .timeLimit(.minutes(3)))
struct LiveBluetoothTests {
  static let service: BluetoothUUID = "6f1d0001-3c5e-4b7a-9d0e-2f6a8c4b1e57"
  static let information: BluetoothUUID = "6f1d0002-3c5e-4b7a-9d0e-2f6a8c4b1e57"
  static let toServer: BluetoothUUID = "6f1d0003-3c5e-4b7a-9d0e-2f6a8c4b1e57"
  static let toClient: BluetoothUUID = "6f1d0004-3c5e-4b7a-9d0e-2f6a8c4b1e57"

  /// What the serving side has heard and holds.
  private final class Server: Sendable {
    struct State {
      var readers: [ObjectPath] = []
      var written: [[UInt8]] = []
      var notifying: AttributeSocket?
    }

    let state = Mutex(State())

    /// Sends everything back that comes.
    var application: GATTApplication {
      GATTApplication(
        root: "/org/example/live",
        services: [
          LocalService(
            uuid: LiveBluetoothTests.service,
            characteristics: [
              LocalCharacteristic(
                uuid: LiveBluetoothTests.information,
                read: { [self] request in
                  state.withLock { $0.readers += [request.device].compactMap { $0 } }
                  return Array(0..<32)
                },
                write: { [self] bytes, _ in state.withLock { $0.written.append(bytes) } }),
              LocalCharacteristic(
                uuid: LiveBluetoothTests.toServer,
                acquireWrite: { [self] channel in
                  Task {
                    while let frame = try await channel.socket.receive() {
                      try await state.withLock { $0.notifying }?.send(frame)
                    }
                  }
                }),
              LocalCharacteristic(
                uuid: LiveBluetoothTests.toClient,
                acquireNotify: { [self] channel in state.withLock { $0.notifying = channel.socket } }),
            ])
        ])
    }
  }

  private func client() async throws -> BlueZClient {
    try await BlueZClient.attach(to: DBusConnection.open(.system))
  }

  private func adapter(_ index: Int, _ client: BlueZClient) async throws -> Adapter {
    let name = String(Lab.adapters[index])
    var events = client.events().makeAsyncIterator()
    let path = try await events.first { event -> ObjectPath? in
      switch event {
      case .adapterAppeared(let adapter), .adapterChanged(let adapter, _):
        adapter.name == name && adapter.isPowered ? adapter.path : nil
      default: nil
      }
    }
    return Adapter(path, of: client)
  }

  @Test func foundConnectedReadWrittenAndStreamed() async throws {
    let serving = try await client()
    let servingAdapter = try await adapter(0, serving)
    let server = Server()
    let application = server.application
    try await application.register(on: servingAdapter.path, of: serving)
    await #expect(throws: BlueZError(.alreadyExists, "")) {
      try await application.register(on: servingAdapter.path, of: serving)
    }
    let data: [UInt8] = [1, 2, 3, 4, 5, 6]
    let advertisement = Advertisement(
      path: "/org/example/live/advertisement",
      content: Advertisement.Content(
        serviceUUIDs: [Self.service], manufacturerData: [0xFFFF: data],
        interval: .milliseconds(100)...(.milliseconds(200))))
    try await advertisement.register(on: servingAdapter.path, of: serving)

    let dialling = try await client()
    let diallingAdapter = try await adapter(1, dialling)
    var events = dialling.events().makeAsyncIterator()
    try await diallingAdapter.setDiscoveryFilter(DiscoveryFilter(uuids: [Self.service]))
    try await diallingAdapter.startDiscovery()
    let found = try await events.first { event -> DeviceProperties? in
      switch event {
      case .deviceFound(let device), .deviceChanged(let device, _):
        device.adapter == diallingAdapter.path && device.uuids.contains(Self.service)
          && device.manufacturerData[0xFFFF] == data ? device : nil
      default: nil
      }
    }
    #expect(found.rssi != nil && found.address == servingAdapter.properties?.address)
    try await diallingAdapter.stopDiscovery()

    let device = Device(found.path, of: dialling)
    try await device.connect(timeout: .seconds(30))
    if device.properties?.areServicesResolved != true { try await events.wait(for: .servicesResolved(found.path)) }
    let characteristics = dialling.characteristics(of: found.path, service: Self.service)
    #expect(characteristics.map(\.uuid) == [Self.information, Self.toServer, Self.toClient])
    try #require(characteristics.count == 3)
    #expect(characteristics[0].mtu == 517)

    let information = RemoteCharacteristic(characteristics[0].path, of: dialling)
    #expect(try await information.read() == Array(0..<32))
    try await information.write([7, 8], .request)
    #expect(server.state.withLock { $0.written } == [[7, 8]])
    let reader = try #require(server.state.withLock { $0.readers }.first)
    #expect(serving.device(reader)?.address == diallingAdapter.properties?.address)

    try await stream(
      RemoteCharacteristic(characteristics[1].path, of: dialling),
      RemoteCharacteristic(characteristics[2].path, of: dialling), information)

    let notifying = try #require(server.state.withLock { $0.notifying })
    try await device.disconnect()
    try await events.wait(for: .deviceDisconnected(found.path))
    #expect(try await notifying.receive() == nil)
    try await diallingAdapter.removeDevice(found.path)
    try await events.wait(for: .deviceGone(found.path))
    try await advertisement.unregister(from: servingAdapter.path, of: serving)
    try await application.unregister(from: servingAdapter.path, of: serving)
  }

  /// Frames there and back: one until it is answered, because bluetoothd may damage what comes before the server's
  /// socket is there, and then some at a time.
  private func stream(
    _ writing: RemoteCharacteristic, _ notifying: RemoteCharacteristic, _ information: RemoteCharacteristic
  ) async throws {
    let incoming = try await notifying.acquireNotify()
    let outgoing = try await writing.acquireWrite()
    #expect(incoming.mtu == 517 && outgoing.mtu == 517)
    func frame(_ number: Int) -> [UInt8] {
      [UInt8(number & 255), UInt8(number >> 8)] + [UInt8](repeating: 0xAB, count: 493)
    }
    let opening = Task {
      while !Task.isCancelled {
        try await outgoing.socket.send(frame(0))
        // A round trip to the peer, before it is tried again.
        _ = try await information.read()
      }
    }
    while let answer = try await incoming.socket.receive(), answer != frame(0) {}
    opening.cancel()
    _ = await opening.result

    let count = 500
    let window = 32
    var sent = 0
    var received = Set<Int>()
    while received.count < count {
      while sent < count && sent - received.count < window {
        sent += 1
        try await outgoing.socket.send(frame(sent))
      }
      guard let answer = try await incoming.socket.receive(), answer.count == 495 else {
        Issue.record("the stream ended after \(received.count) frames")
        return
      }
      let number = Int(answer[0]) | Int(answer[1]) << 8
      if number != 0 { received.insert(number) }
    }
    #expect(received == Set(1...count))
  }

  @Test func anAdvertisementThatIsTooLongIsRefused() async throws {
    let serving = try await client()
    let adapter = try await adapter(0, serving)
    let content = Advertisement.Content(
      serviceUUIDs: [Self.service], manufacturerData: [0xFFFF: Array(repeating: 0, count: 7)])
    let advertisement = Advertisement(path: "/org/example/long", content: content)
    await #expect(throws: BlueZError(.failed, "")) {
      try await advertisement.register(on: adapter.path, of: serving)
    }
  }

  @Test func aDeviceThatIsNotThereCannotBeDialled() async throws {
    let dialling = try await client()
    let adapter = try await adapter(1, dialling)
    let path = adapter.path.appending("dev_66_66_66_66_66_66")
    await #expect(throws: BlueZError(.objectGone, "")) {
      try await Device(path, of: dialling).connect(timeout: .seconds(5))
    }
  }

  @Test func powerGoesAndComes() async throws {
    let client = try await client()
    let adapter = try await adapter(1, client)
    var events = client.events().makeAsyncIterator()
    try await adapter.setPowered(false)
    _ = try await events.first { event -> Bool? in
      if case .adapterChanged(let changed, _) = event, changed.path == adapter.path, !changed.isPowered {
        true
      } else {
        nil
      }
    }
    await #expect(throws: BlueZError(.notReady, "")) { try await adapter.startDiscovery() }
    try await adapter.setPowered(true)
    _ = try await events.first { event -> Bool? in
      if case .adapterChanged(let changed, _) = event, changed.path == adapter.path, changed.isPowered {
        true
      } else {
        nil
      }
    }
    try await adapter.startDiscovery()
    try await adapter.stopDiscovery()
  }
}
