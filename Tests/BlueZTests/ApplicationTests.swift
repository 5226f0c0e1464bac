import BlueZ
import DBus
import DBusTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ApplicationTests {
  static let adapter = FakeBluetooth.adapter
  static let device = FakeBluetooth.device

  /// What a served application heard.
  private final class Heard: Sendable {
    let requests = Mutex<[AttributeRequest]>([])
    let written = Mutex<[[UInt8]]>([])
    let channels: AsyncStream<AttributeChannel>
    let found: AsyncStream<AttributeChannel>.Continuation

    init() { (channels, found) = AsyncStream.makeStream() }
  }

  private func application(_ heard: Heard) -> GATTApplication {
    GATTApplication(
      root: "/org/example/application",
      services: [
        LocalService(
          uuid: "f00d",
          characteristics: [
            LocalCharacteristic(
              uuid: "0001",
              read: { request in
                heard.requests.withLock { $0.append(request) }
                return [10, 11, 12]
              },
              write: { bytes, request throws(BlueZError) in
                guard bytes.count < 5 else { throw BlueZError(.invalidValueLength, "five or more") }
                heard.written.withLock { $0.append(bytes) }
                heard.requests.withLock { $0.append(request) }
              }),
            LocalCharacteristic(uuid: "0002", acquireWrite: { heard.found.yield($0) }),
            LocalCharacteristic(uuid: "0003", acquireNotify: { heard.found.yield($0) }),
            LocalCharacteristic(
              uuid: "0004", acquireNotify: { _ throws(BlueZError) in throw BlueZError(.notPermitted, "taken") }),
          ])
      ])
  }

  private static let service: ObjectPath = "/org/example/application/service0"

  private func options(_ extra: [String: DBusValue] = [:]) -> DBusValue {
    let usual: [String: DBusValue] = [
      "device": .objectPath(Self.device), "mtu": .uint16(185), "link": .string("LE"),
    ]
    return .properties(usual.merging(extra) { $1 })
  }

  /// bluetoothd reads our objects before it answers: registering must not wait for itself.
  @Test func registrationOffersTheWholeTree() async throws {
    let fake = try await FakeBluetooth()
    let application = application(Heard())
    try await application.register(on: Self.adapter, of: fake.client)
    let tree = try #require(try await fake.tell("Tree", .objectPath(application.root)).first?.asEntries)
    var objects: [String: [String: [String: DBusValue]]] = [:]
    for entry in tree {
      let path = try #require(entry.key.asObjectPath)
      for interface in entry.value.asEntries ?? [] {
        objects[path.text, default: [:]][interface.key.asString ?? ""] = interface.value.asProperties
      }
    }
    let service = Self.service.text
    #expect(objects.count == 5)
    #expect(
      objects[service]?["org.bluez.GattService1"] == [
        "UUID": .string("0000f00d-0000-1000-8000-00805f9b34fb"), "Primary": .boolean(true),
      ])
    func characteristic(_ index: Int) -> [String: DBusValue]? {
      objects["\(service)/characteristic\(index)"]?["org.bluez.GattCharacteristic1"]
    }
    #expect(characteristic(0)?["Flags"]?.asStrings == ["read", "write"])
    #expect(characteristic(0)?["Service"] == .objectPath(Self.service))
    #expect(characteristic(0)?["WriteAcquired"] == nil && characteristic(0)?["NotifyAcquired"] == nil)
    #expect(characteristic(1)?["Flags"]?.asStrings == ["write", "write-without-response"])
    #expect(characteristic(1)?["WriteAcquired"] == .boolean(false))
    #expect(characteristic(2)?["Flags"]?.asStrings == ["notify"])
    #expect(characteristic(2)?["NotifyAcquired"] == .boolean(false))
  }

  @Test func registeringAgainAfterBluetoothdReturned() async throws {
    let fake = try await FakeBluetooth()
    let application = application(Heard())
    try await application.register(on: Self.adapter, of: fake.client)
    try await application.unregister(from: Self.adapter, of: fake.client)
    await #expect(throws: BlueZError(.objectGone, "")) {
      try await application.register(on: "/org/bluez/hci9", of: fake.client)
    }
    var events = fake.client.events().makeAsyncIterator()
    fake.daemon.kill()
    try await events.wait(for: .serviceGone)
    await #expect(throws: BlueZError(.serviceGone, "")) {
      try await application.register(on: Self.adapter, of: fake.client)
    }
    let again = try await FakeBluetooth.startDaemon(on: fake.bus)
    try await events.wait(for: .serviceBack)
    try await application.register(on: Self.adapter, of: fake.client)
    #expect(try await fake.tell("Tree", .objectPath(application.root)).first?.asEntries?.count == 5)
    again.kill()
    try await events.wait(for: .serviceGone)
  }

  @Test func peersReadAndWrite() async throws {
    let fake = try await FakeBluetooth()
    let heard = Heard()
    try await application(heard).register(on: Self.adapter, of: fake.client)
    let path = DBusValue.objectPath(Self.service.appending("characteristic0"))
    #expect(try await fake.tell("PeerReads", path, options()) == [.bytes([10, 11, 12])])
    #expect(try await fake.tell("PeerReads", path, options(["offset": .uint16(2)])) == [.bytes([12])])
    #expect(try await fake.tell("PeerReads", path, options(["offset": .uint16(3)])) == [.bytes([])])
    await #expect(throws: DBusError.reply("org.bluez.Error.InvalidOffset", "")) {
      try await fake.tell("PeerReads", path, options(["offset": .uint16(4)]))
    }
    _ = try await fake.tell("PeerWrites", path, .bytes([1, 2]), options())
    await #expect(throws: DBusError.reply("org.bluez.Error.InvalidValueLength", "")) {
      try await fake.tell("PeerWrites", path, .bytes([1, 2, 3, 4, 5]), options())
    }
    // Options of wrong types are as good as none.
    _ = try await fake.tell(
      "PeerWrites", path, .bytes([]),
      .properties(["device": .byte(1), "mtu": .string("x"), "link": .byte(0), "offset": .int32(-1)]))
    #expect(heard.written.withLock { $0 } == [[1, 2], []])
    let requests = heard.requests.withLock { $0 }
    #expect(requests.first?.device == Self.device && requests.first?.mtu == 185 && requests.first?.link == "LE")
    #expect(requests.last?.device == nil && requests.last?.mtu == nil && requests.last?.offset == 0)
  }

  @Test func socketsCarryWhatPeersWriteAndAreNotified() async throws {
    let fake = try await FakeBluetooth()
    let heard = Heard()
    try await application(heard).register(on: Self.adapter, of: fake.client)
    var channels = heard.channels.makeAsyncIterator()

    let writePath = DBusValue.objectPath(Self.service.appending("characteristic1"))
    let facts = try await fake.tell("Acquire", writePath, .string("AcquireWrite"), options())
    // SEQPACKET, not blocking, and the MTU that was given.
    #expect(facts == [.boolean(true), .boolean(true), .uint32(185)])
    let written = try #require(await channels.next())
    #expect(written.device == Self.device && written.mtu == 185 && written.link == "LE")
    let frames = (0..<100).map { DBusValue.bytes(Array(repeating: UInt8($0), count: 1 + $0)) }
    try await fake.tell("SocketSend", writePath, .array(frames, of: "ay"))
    for frame in frames { #expect(try await written.socket.receive() == frame.asBytes) }
    // No end but theirs is open: when it goes we see it.
    try await fake.tell("SocketClose", writePath)
    #expect(try await written.socket.receive() == nil)

    let notifyPath = DBusValue.objectPath(Self.service.appending("characteristic2"))
    _ = try await fake.tell("Acquire", notifyPath, .string("AcquireNotify"), options())
    let notified = try #require(await channels.next())
    try await notified.socket.send([1])
    try await notified.socket.send([2, 3])
    let received = try await fake.tell("SocketReceive", notifyPath, .uint32(2))
    #expect(received.first?.asArray?.map(\.asBytes) == [[1], [2, 3]])
    // And the other way round: our closing is the end of file over there.
    notified.socket.close()
    #expect(try await fake.tell("SocketReceive", notifyPath, .uint32(1)).first?.asArray?.map(\.asBytes) == [[]])

    let refusing = DBusValue.objectPath(Self.service.appending("characteristic3"))
    await #expect(throws: DBusError.reply("org.bluez.Error.NotPermitted", "")) {
      try await fake.tell("Acquire", refusing, .string("AcquireNotify"), options())
    }
  }

  @Test func anAdvertisementIsRegisteredChangedAndReleased() async throws {
    let fake = try await FakeBluetooth()
    let (releases, released) = AsyncStream.makeStream(of: Void.self)
    var content = Advertisement.Content(
      serviceUUIDs: ["f00d"], manufacturerData: [0xFFFF: [1, 2, 3, 4, 5, 6]],
      interval: .milliseconds(100)...(.milliseconds(200)))
    let advertisement = Advertisement(path: "/org/example/advertisement", content: content) { released.yield() }
    try await advertisement.register(on: Self.adapter, of: fake.client)
    func advertised() async throws -> [String: DBusValue]? {
      try await fake.tell("Advertised", .objectPath(advertisement.path)).first?.asProperties
    }
    let uuid = "0000f00d-0000-1000-8000-00805f9b34fb"
    #expect(
      try await advertised() == [
        "Type": .string("peripheral"), "Discoverable": .boolean(true), "ServiceUUIDs": .strings([uuid]),
        "ManufacturerData": .dictionary(
          [DBusEntry(.uint16(0xFFFF), .variant(.bytes([1, 2, 3, 4, 5, 6])))], key: "q", value: "v"),
        "MinInterval": .uint32(100), "MaxInterval": .uint32(200),
      ])
    await #expect(throws: BlueZError(.alreadyExists, "")) {
      try await advertisement.register(on: Self.adapter, of: fake.client)
    }
    content.manufacturerData = [0xFFFF: [9]]
    try await advertisement.update(content, on: fake.client.connection)
    // The signal went before this call on the same connection, so the fake has it when it answers.
    try await Adapter(Self.adapter, of: fake.client).stopDiscovery()
    #expect(
      try await advertised()?["ManufacturerData"]
        == .dictionary([DBusEntry(.uint16(0xFFFF), .variant(.bytes([9])))], key: "q", value: "v"))
    try await fake.tell("Release", .objectPath(advertisement.path))
    var release = releases.makeAsyncIterator()
    #expect(await release.next() != nil)
    try await advertisement.register(on: Self.adapter, of: fake.client)
    try await advertisement.unregister(from: Self.adapter, of: fake.client)
  }
}
