import DBus
import DBusTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SignalTests {
  static let ticks = MatchRule(sender: "org.example.Echo", interface: "org.example.Echo", member: "Tick")

  @Test func signalsComeInOrder() async throws {
    let echo = try await EchoBus()
    let signals = try await echo.connection.signals([Self.ticks])
    _ = try await echo.call("Emit", [.int32(100)])
    var numbers: [UInt32] = []
    for try await signal in signals {
      numbers += [try #require(signal.arguments.first?.asUInt32)]
      if numbers.count == 100 { break }
    }
    #expect(numbers == Array(0..<100))
  }

  @Test func onlyTheOwnerOfTheNameIsBelieved() async throws {
    let echo = try await EchoBus()
    let signals = try await echo.connection.signals([Self.ticks])
    let believing = try await echo.connection.signals([MatchRule(interface: "org.example.Echo")])
    let forger = try echo.bus.python(Peer.script("forger.py"), [echo.connection.uniqueName])
    #expect(try await forger.nextLine() == "sent")
    _ = try await echo.call("Emit", [.int32(1)])
    var iterator = signals.makeAsyncIterator()
    #expect(try await iterator.next()?.arguments == [.uint32(0)])
    // The forgery did arrive: who does not ask for a sender gets it.
    var believingIterator = believing.makeAsyncIterator()
    #expect(try await believingIterator.next()?.arguments == [.uint32(666)])
  }

  /// What the bus passes on, from whomever, must not end the connection.
  @Test func aSignalAsLargeAsTheBusAllowsIsReceived() async throws {
    let bus = try await PrivateBus()
    let connection = try await DBusConnection.open(.address(bus.address))
    let signals = try await connection.signals([MatchRule(interface: "a.b")])
    var limits = ConnectionLimits()
    limits.messageByteCount = 32 << 20
    limits.outgoingByteCount = 64 << 20
    let peer = try await DBusConnection.open(.address(bus.address), limits: limits)
    for count in [17 << 20, (32 << 20) - 1024, 1] {
      try await peer.emit(DBusSignal("/", "a.b", "C", [.bytes(Array(repeating: 1, count: count))]))
    }
    var counts: [Int?] = []
    for try await signal in signals {
      counts.append(signal.arguments.first?.asBytes?.count)
      if counts.count == 3 { break }
    }
    #expect(counts == [17 << 20, (32 << 20) - 1024, 1])
  }

  @Test func aNewOwnerIsBelievedAfterTheOldOne() async throws {
    let echo = try await EchoBus()
    let signals = try await echo.connection.signals([Self.ticks, .ownerChanges(of: "org.example.Echo")])
    var iterator = signals.makeAsyncIterator()
    _ = try await echo.call("Quit")
    let gone = try #require(try await iterator.next().flatMap(DBusConnection.ownerChange))
    #expect(gone.name == "org.example.Echo" && gone.owner == nil)
    #expect(try await echo.connection.owner(of: "org.example.Echo") == nil)
    let again = try echo.bus.python(Peer.script("echo_service.py"))
    _ = try await again.nextLine()
    let back = try #require(try await iterator.next().flatMap(DBusConnection.ownerChange))
    #expect(try await back.owner == echo.connection.owner(of: "org.example.Echo"))
    _ = try await echo.call("Emit", [.int32(1)])
    #expect(try await iterator.next()?.arguments == [.uint32(0)])
  }

  @Test func aStreamThatIsNotReadEnds() async throws {
    var limits = ConnectionLimits()
    limits.signalsPerStream = 10
    let echo = try await EchoBus(limits: limits)
    let signals = try await echo.connection.signals([Self.ticks])
    _ = try await echo.call("Emit", [.int32(50)])
    var count = 0
    await #expect(throws: DBusError(.limitExceeded, "")) {
      for try await _ in signals { count += 1 }
    }
    #expect(count == 10)
  }

  @Test func aRuleThatTheBusRefusesIsAnError() async throws {
    let echo = try await EchoBus()
    await #expect(throws: DBusError.reply("org.freedesktop.DBus.Error.MatchRuleInvalid", "")) {
      try await echo.connection.signals([MatchRule(interface: "no dots")])
    }
    await #expect(throws: DBusError(.invalidMessage, "")) { try await echo.connection.signals([]) }
  }

  @Test func ourOwnSignalsAreHeardByOthers() async throws {
    let echo = try await EchoBus()
    let listener = try await DBusConnection.open(.address(echo.bus.address))
    let rule = MatchRule(sender: echo.connection.uniqueName, pathNamespace: "/org", firstArgument: "yes")
    let signals = try await listener.signals([rule])
    try await echo.connection.emit(DBusSignal("/org/x", "org.example.Ours", "Said", [.string("no")]))
    try await echo.connection.emit(DBusSignal("/orgx", "org.example.Ours", "Said", [.string("yes")]))
    try await echo.connection.emit(DBusSignal("/org/x", "org.example.Ours", "Said", [.string("yes"), .byte(1)]))
    var iterator = signals.makeAsyncIterator()
    let signal = try #require(try await iterator.next())
    #expect(signal.sender == echo.connection.uniqueName && signal.path == "/org/x")
    #expect(signal.arguments == [.string("yes"), .byte(1)])
  }

  @Test func namesAreTakenAndGivenBack() async throws {
    let bus = try await PrivateBus()
    let first = try await DBusConnection.open(.address(bus.address))
    let second = try await DBusConnection.open(.address(bus.address))
    try await first.requestName("org.example.Name")
    try await first.requestName("org.example.Name")
    await #expect(throws: DBusError(.nameTaken, "")) { try await second.requestName("org.example.Name") }
    #expect(try await second.owner(of: "org.example.Name") == first.uniqueName)
    try await first.releaseName("org.example.Name")
    try await second.requestName("org.example.Name")
    #expect(try await first.owner(of: "org.example.Name") == second.uniqueName)
  }
}
