import DBus
import DBusTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CallTests {
  static let everyType: [DBusValue] = [
    .byte(255), .boolean(true), .boolean(false), .int16(.min), .uint16(.max), .int32(.min), .uint32(.max), .int64(.min),
    .uint64(.max), .double(-0.1), .string(""), .string("grüß dich 🌲"), .objectPath("/a/b"), .signature("a{sv}"),
    .signature(""), .variant(.variant(.string("deep"))), .bytes([]), .bytes([0, 1, 255]), .array([], of: "a{sv}"),
    .array([.int32(1), .int32(-2)], of: "i"), .array([.bytes([1]), .bytes([])], of: "ay"),
    .structure([.string("x"), .structure([.byte(1)]), .variant(.bytes([9]))]),
    .dictionary([], key: "s", value: "v"),
    .dictionary([DBusEntry(.uint16(1), .structure([.string("y")]))], key: "q", value: "(s)"),
    .properties(["b": .strings(["p", "q"]), "a": .properties(["inner": .double(2)])]),
  ]

  @Test func everyTypeComesBackAsItWas() async throws {
    let echo = try await EchoBus()
    for value in Self.everyType {
      #expect(try await echo.call("Echo", [value]) == [value])
    }
    #expect(try await echo.call("Echo", Self.everyType) == Self.everyType)
    #expect(try await echo.call("Echo") == [])
  }

  @Test func anotherImplementationReadsWhatWeWrite() async throws {
    let echo = try await EchoBus()
    let reply = try await echo.call("Describe", [.int16(-5), .string("é"), .objectPath("/x"), .uint64(.max)])
    #expect(reply == [.string("nsot"), .string("-5 é /x 18446744073709551615")])
  }

  @Test func largeByteArraysPass() async throws {
    let echo = try await EchoBus()
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(try await echo.call("Echo", [.bytes(bytes)]) == [.bytes(bytes)])
  }

  @Test func errorsKeepTheirNames() async throws {
    let echo = try await EchoBus()
    let error = await #expect(throws: DBusError.self) { try await echo.call("Fail") }
    #expect(error?.name == "org.example.Error.Broken" && error?.reason == "as you wished")
    await #expect(throws: DBusError.reply(DBusErrorName.serviceUnknown, "")) {
      try await echo.connection.call(MethodCall("org.example.Nobody", "/", "a.b", "C"))
    }
  }

  @Test func manyCallsAtOnceGetTheirOwnAnswers() async throws {
    let echo = try await EchoBus()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<UInt32(100) {
        group.addTask {
          let reply = try await echo.call("Echo", [.uint32(number)])
          #expect(reply == [.uint32(number)])
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func callsInFlightAreBounded() async throws {
    var limits = ConnectionLimits()
    limits.callsInFlight = 2
    let echo = try await EchoBus(limits: limits)
    let refusals = await withTaskGroup(of: DBusError.Code?.self) { group in
      for _ in 0..<5 {
        group.addTask {
          do throws(DBusError) {
            _ = try await echo.call("Silence", timeout: .milliseconds(500))
            return nil
          } catch {
            return error.code
          }
        }
      }
      return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    #expect(refusals == [.limitExceeded: 3, .timedOut: 2])
    #expect(try await echo.call("Echo") == [])
  }

  @Test func anAnswerThatDoesNotComeTimesOut() async throws {
    let echo = try await EchoBus()
    await #expect(throws: DBusError(.timedOut, "")) {
      try await echo.call("Silence", timeout: .milliseconds(20))
    }
  }

  @Test func cancellationEndsACall() async throws {
    let echo = try await EchoBus()
    let waiting = Task { () async throws -> [DBusValue] in try await echo.call("Silence") }
    // The service has seen the silent call when it answers one made later.
    _ = try await echo.call("Echo")
    waiting.cancel()
    await #expect(throws: DBusError(.cancelled, "")) { try await waiting.value }
    let cancelledBefore = Task { () async throws -> [DBusValue] in
      withUnsafeCurrentTask { $0?.cancel() }
      return try await echo.call("Silence")
    }
    await #expect(throws: DBusError(.cancelled, "")) { try await cancelledBefore.value }
  }

  @Test func theBusDyingEndsCallsAndStreams() async throws {
    let echo = try await EchoBus()
    let signals = try await echo.connection.signals([MatchRule(interface: "org.example.Echo")])
    let waiting = Task { () async throws -> [DBusValue] in try await echo.call("Silence") }
    _ = try await echo.call("Echo")
    echo.bus.kill()
    await #expect(throws: DBusError(.disconnected, "")) { try await waiting.value }
    await #expect(throws: DBusError(.disconnected, "")) {
      for try await _ in signals {}
    }
    await #expect(throws: DBusError(.disconnected, "")) { try await echo.call("Echo") }
    await #expect(throws: DBusError(.disconnected, "")) { try await echo.connection.export([], at: "/a") }
    await #expect(throws: DBusError(.disconnected, "")) {
      try await echo.connection.signals([MatchRule(interface: "a.b")])
    }
  }

  @Test func closingEndsCallsToo() async throws {
    let echo = try await EchoBus()
    let waiting = Task { () async throws -> [DBusValue] in try await echo.call("Silence") }
    _ = try await echo.call("Echo")
    echo.connection.close()
    await #expect(throws: DBusError(.disconnected, "")) { try await waiting.value }
  }

  @Test func aBusThatIsNotThereIsAnError() async {
    await #expect(throws: DBusError(.cannotConnect, "")) {
      try await DBusConnection.open(.address("unix:path=/nonexistent/bus"))
    }
    await #expect(throws: DBusError(.cannotConnect, "")) {
      try await DBusConnection.open(.address("no address at all"))
    }
  }

  @Test(arguments: [
    MethodCall("not a name", "/", "a.b", "C"),
    MethodCall("a.b", "/", "nodots", "C"),
    MethodCall("a.b", "/", "a.b", "no-member"),
    MethodCall("a.b", "/", "a.b", "C", [.string("zero\0byte")]),
    MethodCall("a.b", "/", "a.b", "C", [.array([.byte(1)], of: "s")]),
    MethodCall("a.b", "/", "a.b", "C", [.array([.byte(1)], of: "yy")]),
    MethodCall("a.b", "/", "a.b", "C", [.structure([])]),
    MethodCall("a.b", "/", "a.b", "C", [.dictionary([], key: "v", value: "s")]),
    MethodCall("a.b", "/", "a.b", "C", [.variant(.structure([]))]),
    MethodCall("a.b", "/", "a.b", "C", [(0..<70).reduce(.byte(0)) { value, _ in .variant(value) }]),
  ])
  func whatCannotBeSentIsRefusedHere(_ call: MethodCall) async throws {
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address))
    await #expect(throws: DBusError(.invalidMessage, "")) { try await connection.call(call) }
    // The connection is none the worse.
    #expect(try await connection.owner(of: "org.freedesktop.DBus") == "org.freedesktop.DBus")
  }

  @Test func messagesThatAreTooLargeAreRefusedBothWays() async throws {
    var limits = ConnectionLimits()
    limits.messageByteCount = 4096
    limits.valuesPerMessage = 100
    let echo = try await EchoBus(limits: limits)
    await #expect(throws: DBusError(.limitExceeded, "")) {
      try await echo.call("Echo", [.bytes(Array(repeating: 0, count: 5000))])
    }
    let many = DBusValue.array(Array(repeating: .int32(1), count: 100), of: "i")
    await #expect(throws: DBusError(.limitExceeded, "")) { try await echo.call("Echo", [many]) }
    #expect(try await echo.call("Echo", [.bytes([1])]) == [.bytes([1])])
  }

  /// Nothing milder is to be had from libdbus; what matters is that it is an error and not the end of the process.
  @Test func aPeersMessageOverTheLimitEndsTheConnection() async throws {
    var limits = ConnectionLimits()
    limits.receivedMessageByteCount = 4096
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address), limits: limits)
    let signals = try await connection.signals([MatchRule(interface: "a.b")])
    let peer = try await DBusConnection.open(.address(bus.address))
    try await peer.emit(DBusSignal("/", "a.b", "C", [.bytes(Array(repeating: 1, count: 4000))]))
    var iterator = signals.makeAsyncIterator()
    #expect(try await iterator.next()?.arguments.first?.asBytes?.count == 4000)
    try await peer.emit(DBusSignal("/", "a.b", "C", [.bytes(Array(repeating: 1, count: 8000))]))
    await #expect(throws: DBusError(.disconnected, "")) { try await iterator.next() }
  }
}
