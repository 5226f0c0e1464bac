import FieldCore
import FieldTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct SimulatedTransportTests {
  @Test func sightingsComeAndGoOnBothSides() async throws {
    let air = SimulatedAir()
    let alice = air.transport(named: "alice")
    let bob = air.transport(named: "bob")
    air.setAnnouncement([1, 2], of: "bob")
    var seenByAlice = alice.sightings().makeAsyncIterator()
    var seenByBob = bob.sightings().makeAsyncIterator()
    air.bringTogether("alice", "bob")
    #expect(
      await seenByAlice.next()
        == PeerSighting(address: air.address(of: "bob"), change: .appeared, announcement: [1, 2]))
    #expect(await seenByBob.next() == PeerSighting(address: air.address(of: "alice"), change: .appeared))
    air.setAnnouncement([3], of: "bob")
    #expect(await seenByAlice.next()?.announcement == [3])
    air.separate("alice", "bob")
    #expect(await seenByAlice.next()?.change == .vanished)
    // Who looks later sees what is there then.
    air.bringTogether("alice", "bob")
    var late = bob.sightings().makeAsyncIterator()
    #expect(await late.next()?.address.location == "alice")
  }

  @Test(arguments: [false, true]) func connectionsCarryMessages(isOverDatagrams: Bool) async throws {
    let clock = VirtualClock()
    let air = SimulatedAir(medium: isOverDatagrams ? .datagrams(.gatt) : .memory(), clock: clock)
    let alice = air.transport(named: "alice")
    let bob = air.transport(named: "bob")
    await #expect(throws: TransportError(.unreachable, "")) { try await alice.connect(to: air.address(of: "bob")) }
    await #expect(throws: TransportError(.badAddress, "")) {
      try await alice.connect(to: PeerAddress(kind: .lan, location: "bob"))
    }
    air.bringTogether("alice", "bob")
    try await SimulatedThread.run(clock) {
      let outgoing = try await alice.connect(to: air.address(of: "bob"))
      var incoming = bob.incomingConnections().makeAsyncIterator()
      let accepted = try #require(await incoming.next())
      #expect(outgoing.peerDescription == "bob" && accepted.peerDescription == "alice")
      #expect(air.connectionCount("alice", "bob") == 1)
      try await outgoing.send([1, 2, 3])
      try await accepted.send([4])
      #expect(try await accepted.receive() == [1, 2, 3])
      #expect(try await outgoing.receive() == [4])
      air.separate("alice", "bob")
      await #expect(throws: TransportError(.connectionLost, "")) { try await outgoing.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await accepted.receive() }
    }
    #expect(air.connectionCount("alice", "bob") == 0)
  }

  @Test func faultsHitTheNextConnectionOnly() async throws {
    let air = SimulatedAir()
    let alice = air.transport(named: "alice")
    let bob = air.transport(named: "bob")
    air.bringTogether("alice", "bob")
    air.setFaults(ofNextConnectionFrom: "alice", to: "bob", forth: .init(cutAtMessage: 1))
    let faulty = try await alice.connect(to: air.address(of: "bob"))
    try await faulty.send([1])
    try await faulty.send([2])
    await #expect(throws: TransportError(.connectionLost, "")) { try await faulty.send([3]) }
    let sound = try await alice.connect(to: air.address(of: "bob"))
    for value: UInt8 in 0..<10 { try await sound.send([value]) }
    _ = bob
  }

  @Test func aStoppedNodeIsOffTheAir() async throws {
    let air = SimulatedAir()
    let alice = air.transport(named: "alice")
    let bob = air.transport(named: "bob")
    air.bringTogether("alice", "bob")
    let connection = try await alice.connect(to: air.address(of: "bob"))
    var seen = bob.sightings().makeAsyncIterator()
    let running = Task { try await bob.run() }
    running.cancel()
    try await running.value
    await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
    await #expect(throws: TransportError(.unreachable, "")) { try await alice.connect(to: air.address(of: "bob")) }
    #expect(await seen.next()?.address.location == "alice")
    #expect(await seen.next() == nil)
    var count = 0
    for await _ in bob.incomingConnections() { count += 1 }
    #expect(count == 1)
  }

  /// Who is told of a peer while it stops watching must not wait for who tells, nor the other way round.
  @Test func watchersMayLeaveWhileTheyAreTold() async throws {
    let air = SimulatedAir()
    let alice = air.transport(named: "alice")
    let bob = air.transport(named: "bob")
    air.bringTogether("alice", "bob")
    let announcing = Task {
      var number: UInt8 = 0
      while !Task.isCancelled {
        air.setAnnouncement([number], of: "bob")
        number &+= 1
        await Task.yield()
      }
    }
    for _ in 0..<2000 {
      let watching = Task {
        var count = 0
        for await _ in alice.sightings() { count += 1 }
        return count
      }
      await Task.yield()
      watching.cancel()
      _ = await watching.value
    }
    announcing.cancel()
    await announcing.value
    _ = bob
  }
}
