import FieldCore
import FieldTesting
import Testing

/// What arrived before a link was lost counts, whichever side notices first, and by sending or by receiving.
@Suite(.timeLimit(.minutes(1))) struct LastWordsTests {
  /// Reads nothing from when it is told to wait until the connection is lost.
  private struct LateReader: TransportConnection {
    let pair: ConnectionPair
    let isHeld = Monitor(false)

    var kind: TransportKind { pair.first.kind }
    var peerDescription: String { pair.first.peerDescription }
    var maximumMessageByteCount: Int { pair.first.maximumMessageByteCount }
    func close() async { await pair.first.close() }

    func send(_ message: [UInt8]) async throws(TransportError) {
      do throws(TransportError) {
        try await pair.first.send(message)
      } catch {
        isHeld.withLock { $0 = false }
        throw error
      }
    }

    func receive() async throws(TransportError) -> [UInt8]? {
      await isHeld.wait { !$0 }
      return try await pair.first.receive()
    }
  }

  private struct Ends {
    let near: Session
    let far: Session
    let connection: LateReader
  }

  private func connect(_ village: Village) async throws -> Ends {
    let connection = LateReader(pair: ConnectionPair())
    let clock = ContinuousClock()
    let (key, residents) = (village.syncKey, village.residents)
    async let far = SessionEstablisher(identity: residents[1].keyPair, clock: clock).respond(
      on: connection.pair.second, with: [key])
    let near = try await SessionEstablisher(identity: residents[0].keyPair, clock: clock).initiate(
      on: connection, with: key)
    return Ends(near: near, far: try await far, connection: connection)
  }

  @Test func whatArrivedIsHandledAlthoughSendingFailedFirst() async throws {
    let ends = try await connect(try await Village.make(memberCount: 1))
    ends.connection.isHeld.withLock { $0 = true }
    let (near, far) = (ends.near, ends.far)
    let stream = try await far.open(Message(.head), isLast: false)
    for _ in 0..<3 { try await stream.send(Message(.head)) }
    await stream.end()
    await far.close(.done)
    _ = await far.run()
    try await near.notify(Message(.head))
    #expect(await near.run() == SessionError(.closed, ""))
    var count = 0
    for await stream in near.incoming {
      while let message = try? await stream.receive() {
        #expect(message.type == .head)
        count += 1
      }
    }
    #expect(count == 4)
  }

  @Test func thePeersReasonIsHeardAlthoughSendingFailedFirst() async throws {
    let ends = try await connect(try await Village.make(memberCount: 1))
    ends.connection.isHeld.withLock { $0 = true }
    await ends.far.close(.refused)
    _ = await ends.far.run()
    try await ends.near.notify(Message(.head))
    #expect(await ends.near.run().code == .refused)
  }
}
