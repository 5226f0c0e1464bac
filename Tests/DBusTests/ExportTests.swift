import DBus
import DBusTesting
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ExportTests {
  /// The object that `object_client.py` expects.
  private final class Thing: Sendable {
    let level = Mutex<UInt32>(5)
    let ourEnd = Mutex<FileDescriptor?>(nil)
    let root: ObjectPath = "/org/example/Swift"
    var path: ObjectPath { root.appending("thing") }

    func export(on connection: DBusConnection) async throws {
      try await connection.export([], at: root, isManager: true)
      try await connection.export([interface(connection)], at: path)
    }

    private func interface(_ connection: DBusConnection) -> ExportedInterface {
      ExportedInterface(
        "org.example.Thing",
        methods: [
          ExportedMethod("Concat", input: "ss", output: "s") { call in
            [.string(call.arguments.compactMap(\.asString).joined())]
          },
          ExportedMethod("Fail") { _ throws(DBusError) in throw .reply("org.example.Error.Ours", "on purpose") },
          ExportedMethod("Undeclared", output: "s") { _ in [.byte(1)] },
          ExportedMethod("Read", input: "h", output: "s") { call in
            var buffer = [UInt8](repeating: 0, count: 100)
            let count = call.arguments[0].asFileDescriptor?.withRawValue { read($0, &buffer, buffer.count) } ?? 0
            return [.string(String(decoding: buffer[..<max(0, count)], as: UTF8.self))]
          },
          ExportedMethod("Socket", output: "h") { [self] _ in
            var ends: [Int32] = [-1, -1]
            socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends)
            ourEnd.withLock { $0 = FileDescriptor(owning: ends[0]) }
            return [.fileDescriptor(FileDescriptor(owning: ends[1]))]
          },
        ],
        properties: [
          ExportedProperty("Name", constant: .string("it")),
          ExportedProperty("Absent", "s", get: { nil }),
          ExportedProperty(
            "Level", "u", get: { [self] in .uint32(level.withLock { $0 }) },
            set: { [self, path] value async throws(DBusError) in
              level.withLock { $0 = value.asUInt32 ?? 0 }
              try await connection.emitPropertiesChanged(at: path, "org.example.Thing", ["Level", "Absent"])
            }),
        ],
        signals: [ExportedSignal("Happened", arguments: "s")])
    }
  }

  @Test func aPythonProgramUsesOurObject() async throws {
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address))
    let thing = Thing()
    try await thing.export(on: connection)
    try await connection.requestName("org.example.Swift")
    let lines = await (try bus.python(Peer.script("object_client.py"))).allLines()
    let standard = "org.freedesktop.DBus.Error"
    #expect(
      lines == [
        "concat ab", "fail org.example.Error.Ours", "missing \(standard).UnknownMethod",
        "types \(standard).InvalidArgs",
        "undeclared \(standard).Failed", "get 5", "absent \(standard).UnknownProperty", "all ['Level', 'Name']",
        "readonly \(standard).PropertyReadOnly", "settype \(standard).InvalidArgs", "set None",
        "managed ['/org/example/Swift/thing']", "ping None", "object \(standard).UnknownObject",
        "read through a pipe", "changed org.example.Thing 9 ['Absent']",
      ])
    // What Python wrote into the socket that it was handed; then the end of file, as no end is open any more.
    let ourEnd = try #require(thing.ourEnd.withLock { $0 })
    var buffer = [UInt8](repeating: 0, count: 400)
    #expect(ourEnd.withRawValue { read($0, &buffer, buffer.count) } == 300)
    #expect(ourEnd.withRawValue { read($0, &buffer, buffer.count) } == 0)
  }

  @Test func introspectionIsReadByAnotherImplementation() async throws {
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address))
    try await Thing().export(on: connection)
    func introspect(_ path: String) async throws -> String {
      try await bus.run(
        "/usr/bin/gdbus", ["introspect", "--session", "--dest", connection.uniqueName, "--object-path", path])
    }
    let thing = try await introspect("/org/example/Swift/thing")
    #expect(thing.contains("Concat(in  s arg_0,\n             in  s arg_1,\n             out s arg_2);"))
    #expect(thing.contains("readonly s Name = 'it';") && thing.contains("readwrite u Level = 5;"))
    #expect(thing.contains("Happened(s arg_0);"))
    #expect(try await introspect("/org").contains("node example"))
    #expect(try await introspect("/org/example/Swift").contains("GetManagedObjects(out a{oa{sa{sv}}} arg_0);"))
  }

  @Test func objectsComeAndGo() async throws {
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address))
    let watcher = try await DBusConnection.open(.address(bus.address))
    let signals = try await watcher.signals([
      MatchRule(sender: connection.uniqueName, path: "/m", interface: "org.freedesktop.DBus.ObjectManager")
    ])
    var iterator = signals.makeAsyncIterator()
    try await connection.export([], at: "/m", isManager: true)
    let interface = ExportedInterface("a.b", properties: [ExportedProperty("P", constant: .byte(3))])
    try await connection.export([interface], at: "/m/x")
    await #expect(throws: DBusError(.pathInUse, "")) { try await connection.export([interface], at: "/m/x") }
    try await connection.unexport("/m/x")
    let added = try #require(try await iterator.next())
    #expect(added.member == "InterfacesAdded" && added.arguments[0] == .objectPath("/m/x"))
    #expect(added.arguments[1].asEntries?.first?.value.asProperties == ["P": .byte(3)])
    let removed = try #require(try await iterator.next())
    #expect(removed.member == "InterfacesRemoved" && removed.arguments == [.objectPath("/m/x"), .strings(["a.b"])])
    await #expect(throws: DBusError.reply(DBusErrorName.unknownObject, "")) {
      try await watcher.call(MethodCall(connection.uniqueName, "/m/x", "a.b", "C"))
    }
  }

  /// A handler that waits does not keep others from being answered, and there is a limit to how many may wait.
  @Test func handlersRunBesideEachOtherUpToTheLimit() async throws {
    let bus = try await PrivateBus()
    var limits = ConnectionLimits()
    limits.handlersInFlight = 2
    let connection = try await DBusConnection.open(.address(bus.address), limits: limits)
    let (gate, opener) = AsyncStream.makeStream(of: Void.self)
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
    let interface = ExportedInterface(
      "a.b",
      methods: [
        ExportedMethod("Wait") { _ in
          arrival.yield()
          for await _ in gate {}
          return []
        },
        ExportedMethod("Quick") { _ in [] },
      ])
    try await connection.export([interface], at: "/x")
    let caller = try await DBusConnection.open(.address(bus.address))
    @Sendable func call(_ member: String) async throws(DBusError) {
      _ = try await caller.call(MethodCall(connection.uniqueName, "/x", "a.b", member))
    }
    var arrived = arrivals.makeAsyncIterator()
    let first = Task { try await call("Wait") }
    await arrived.next()
    try await call("Quick")
    let second = Task { try await call("Wait") }
    await arrived.next()
    await #expect(throws: DBusError.reply(DBusErrorName.limitsExceeded, "")) { try await call("Quick") }
    // Standard interfaces need no handler.
    _ = try await caller.call(MethodCall(connection.uniqueName, "/x", "org.freedesktop.DBus.Peer", "Ping"))
    opener.finish()
    try await first.value
    try await second.value
    try await call("Quick")
  }
}
