import FieldCore
import Testing

@testable import FieldLAN

@Suite("The TCP transport", .timeLimit(.minutes(1)))
struct TransportTests {
  @Test("A hundred connections at once")
  func hundred() async throws {
    var limits = TCPLimits()
    limits.unclaimedConnectionCount = 100
    try await Loopback.run(limits: limits) { loopback in
      let echo = Task {
        await withDiscardingTaskGroup { group in
          for await connection in loopback.transport.incomingConnections() {
            group.addTask {
              while let message = try? await connection.receive() { try? await connection.send(message) }
              await connection.close()
            }
          }
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<UInt8(100) {
          group.addTask {
            let connection = try await loopback.connect()
            for count in [1, 1000, 60_000] {
              let message = Array(repeating: number, count: count)
              try await connection.send(message)
              #expect(try await connection.receive() == message)
            }
            await connection.close()
          }
        }
        try await group.waitForAll()
      }
      echo.cancel()
    }
  }

  @Test("A stranger that connects gets no byte, and may say nothing itself")
  func silence() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      async let message = connection.receive()
      try await raw.send([0, 0, 0])
      try await wait { connection.framed.bufferedByteCounts.inbound == 3 }
      #expect(!raw.hasBytes())
      try await raw.send([1, 5])
      #expect(try await message == [5])
      #expect(!raw.hasBytes())
    }
  }

  @Test("Connections over what may wait unclaimed are closed at once, and the others stay")
  func unclaimed() async throws {
    var limits = TCPLimits()
    limits.unclaimedConnectionCount = 2
    try await Loopback.run(limits: limits) { loopback in
      let kept = try [RawSocket.connect(port: loopback.endpoint.port), RawSocket.connect(port: loopback.endpoint.port)]
      for _ in 0..<3 {
        #expect(try await RawSocket.connect(port: loopback.endpoint.port).receive(1) == [])
      }
      for raw in kept {
        let connection = try await loopback.accept()
        try await connection.send([1])
        #expect(try await raw.receive(5) == framed([1]))
      }
      let (raw, connection) = try await loopback.rawPair()
      try await raw.send(framed([2]))
      #expect(try await connection.receive() == [2])
    }
  }

  @Test("Nobody at the port: unreachable, without waiting for the deadline")
  func refused() async throws {
    var limits = TCPLimits()
    limits.connectDeadline = .seconds(3600)
    let transport = TCPTransport(listen: nil, limits: limits)
    let port = try RawSocket.listen().port  // the socket is closed by now
    do {
      _ = try await transport.connect(to: TCPEndpoint(host: "127.0.0.1", port: port).peerAddress)
      Issue.record("connected to nobody")
    } catch {
      #expect(error == TransportError(.unreachable, ""))
      #expect(error.reason == "the machine is there, but nothing listens at that port")
    }
  }

  @Test("Nobody answers: unreachable, after the deadline")
  func deadline() async throws {
    var limits = TCPLimits()
    limits.connectDeadline = .milliseconds(200)
    let transport = TCPTransport(listen: nil, limits: limits)
    let full = try FullBacklog()
    await #expect(throws: TransportError(.unreachable, "")) { try await transport.connect(to: full.address) }
  }

  @Test("A cancelled connect throws at once")
  func cancelledConnect() async throws {
    let transport = TCPTransport(listen: nil)
    let full = try FullBacklog()
    let connecting = Task { _ = try await transport.connect(to: full.address) }
    connecting.cancel()
    await #expect(throws: TransportError(.closed, "")) { try await connecting.value }
  }

  @Test("A name that nobody has: unreachable")
  func unknownName() async throws {
    let transport = TCPTransport(listen: nil)
    await #expect(throws: TransportError(.unreachable, "")) {
      try await transport.connect(to: PeerAddress(kind: .lan, location: "name.invalid:4000"))
    }
  }

  @Test(
    "Addresses that are none",
    arguments: [
      "", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:+1", "::1:80", "[::1]", "[]:1", "a b:1",
      "[fe80::1%none0]:1",
    ])
  func badAddress(location: String) async throws {
    let transport = TCPTransport(listen: nil)
    await #expect(throws: TransportError(.badAddress, "")) {
      try await transport.connect(to: PeerAddress(kind: .lan, location: location))
    }
  }

  @Test("An address of another transport is refused")
  func otherTransport() async throws {
    await #expect(throws: TransportError(.badAddress, "")) {
      try await TCPTransport(listen: nil).connect(to: PeerAddress(kind: .bluetooth, location: "127.0.0.1:80"))
    }
  }

  @Test("A port that is taken: unavailable, and the reason says so", arguments: [true, false])
  func portInUse(callsBind: Bool) async throws {
    try await Loopback.run { loopback in
      let second = TCPTransport(listen: loopback.endpoint)
      do throws(TransportError) {
        if callsBind { try await second.bind() } else { try await second.run() }
        Issue.record("two transports listen at one port")
      } catch {
        #expect(error == TransportError(.unavailable, ""))
        #expect(error.reason == "cannot listen at \(loopback.endpoint): another program listens there")
      }
      #expect(second.boundAddress == nil)
      for await _ in second.incomingConnections() { Issue.record("a connection at a port that was not had") }
    }
  }

  @Test("An address that is not this machine's: unavailable")
  func foreignAddress() async throws {
    await #expect(throws: TransportError(.unavailable, "")) {
      try await TCPTransport(listen: TCPEndpoint(host: "198.51.100.1", port: 0)).bind()
    }
  }

  @Test("Stopping ends the stream, closes what nobody took, frees the port, and leaves connections that are in use")
  func stop() async throws {
    let transport = TCPTransport(listen: TCPEndpoint(host: "127.0.0.1", port: 0))
    try await transport.bind()
    let endpoint = try #require(transport.boundAddress)
    let running = Task { try await transport.run() }
    let loopback = Loopback(transport: transport, endpoint: endpoint)
    let (used, connection) = try await loopback.rawPair()
    let unclaimed = try RawSocket.connect(port: endpoint.port)
    running.cancel()
    try await running.value
    for await _ in transport.incomingConnections() { Issue.record("a connection of a stopped transport") }
    do {
      #expect(try await unclaimed.receive(1) == [])
    } catch is RawSocket.Failure {
      // The kernel resets what it had not handed over by then.
    }
    try await connection.send([1])
    #expect(try await used.receive(5) == framed([1]))
    let next = TCPTransport(listen: endpoint)
    try await next.bind()
    #expect(next.boundAddress == endpoint)
    await #expect(throws: TransportError(.unavailable, "")) { try await transport.run() }
  }

  @Test("A transport that only dials runs until it is cancelled")
  func dialsOnly() async throws {
    let transport = TCPTransport(listen: nil)
    let running = Task { try await transport.run() }
    running.cancel()
    try await running.value
    #expect(transport.boundAddress == nil)
  }
}
