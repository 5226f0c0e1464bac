import FieldCore
import NIOCore
import Testing

@testable import FieldLAN

@Suite("How connections end", .timeLimit(.minutes(1)))
struct ConnectionEndTests {
  @Test("After the peer's end, what it sent comes out, then nil once, then every call throws")
  func orderlyEnd() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      try await raw.send(framed([1]) + framed([2]))
      try raw.endOutput()
      #expect(try await connection.receive() == [1])
      #expect(try await connection.receive() == [2])
      #expect(try await connection.receive() == nil)
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.send([1]) }
      #expect(try await raw.receive(1) == [])
    }
  }

  @Test("An end within a message is a loss", arguments: 1...6)
  func truncated(byteCount: Int) async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      try await raw.send(framed([1]) + framed([1, 2, 3])[..<byteCount])
      try raw.endOutput()
      #expect(try await connection.receive() == [1])
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.receive() }
    }
  }

  @Test("A reset is a loss, for the receiver that waits and for who sends later")
  func reset() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let receiving = Task { try await connection.receive() }
      try await raw.send([0, 0, 0, 9, 1])
      try await wait { connection.framed.bufferedByteCounts.inbound == 5 }
      try raw.reset()
      await #expect(throws: TransportError(.connectionLost, "")) { try await receiving.value }
      await #expect(throws: TransportError(.connectionLost, "")) { try await connection.send([1]) }
    }
  }

  @Test("A sender that waits for room hears of a reset")
  func resetWhileSending() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair(receiveByteCount: 4096)
      let sending = Task {
        while true { try await connection.send(Array(repeating: 1, count: 60_000)) }
      }
      try await wait { connection.framed.waiterCounts.senders == 1 }
      try raw.reset()
      await #expect(throws: TransportError(.connectionLost, "")) { try await sending.value }
    }
  }

  @Test("Closing delivers what was sent, to a peer that reads late too")
  func closeFlushes() async throws {
    try await Loopback.run { loopback in
      let (dialled, accepted) = try await loopback.pair()
      let message = Array(repeating: UInt8(3), count: 50_000)
      let sending = Task {
        for _ in 0..<40 { try await dialled.send(message) }
        await dialled.close()
      }
      // What comes the other way and is never received must not turn the end into a reset.
      try await accepted.send(message)
      var count = 0
      while let received = try await accepted.receive() {
        #expect(received == message)
        count += 1
      }
      #expect(count == 40)
      try await sending.value
    }
  }

  @Test("Both sides may close at once, with messages on the way to each")
  func closeBoth() async throws {
    try await Loopback.run { loopback in
      let (dialled, accepted) = try await loopback.pair()
      try await dialled.send(Array(repeating: 1, count: 60_000))
      try await accepted.send(Array(repeating: 1, count: 60_000))
      async let first: Void = dialled.close()
      async let second: Void = accepted.close()
      _ = await (first, second)
      await #expect(throws: TransportError(.closed, "")) { try await dialled.receive() }
      await #expect(throws: TransportError(.closed, "")) { try await accepted.send([1]) }
    }
  }

  @Test("Closing ends the calls that wait, and closing again is nothing")
  func closeWakes() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair(receiveByteCount: 4096)
      let receiving = Task { try await connection.receive() }
      let sending = Task {
        while true { try await connection.send(Array(repeating: 1, count: 60_000)) }
      }
      try await wait { connection.framed.waiterCounts == (receivers: 1, senders: 1) }
      async let closing: Void = connection.close()
      await #expect(throws: TransportError(.closed, "")) { try await receiving.value }
      await #expect(throws: TransportError(.closed, "")) { try await sending.value }
      async let received = raw.receive(.max)
      #expect(try await received.count > 60_000)
      try raw.endOutput()
      await closing
      await connection.close()
    }
  }

  @Test("A peer that neither reads nor ends holds up a close for its deadline only")
  func closeDeadline() async throws {
    var limits = TCPLimits()
    limits.closeDeadline = .milliseconds(100)
    try await Loopback.run(limits: limits) { loopback in
      let (raw, connection) = try await loopback.rawPair(receiveByteCount: 4096)
      let sending = Task {
        while true { try await connection.send(Array(repeating: 1, count: 60_000)) }
      }
      try await wait { connection.framed.waiterCounts.senders == 1 }
      let duration = await ContinuousClock().measure { await connection.close() }
      #expect(duration >= .milliseconds(100))
      #expect(!connection.framed.channel.isActive)
      await #expect(throws: TransportError(.closed, "")) { try await sending.value }
      _ = raw
    }
  }

  @Test("A connection that is let go of is closed")
  func release() async throws {
    try await Loopback.run { loopback in
      let raw = try await loopback.rawPair().raw
      #expect(try await raw.receive(1) == [])
    }
  }

  @Test("A cancelled call throws, loses nothing, and leaves the connection as it is")
  func cancellation() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair(receiveByteCount: 4096)
      let receiving = Task { try await connection.receive() }
      try await wait { connection.framed.waiterCounts.receivers == 1 }
      receiving.cancel()
      await #expect(throws: TransportError(.closed, "")) { try await receiving.value }
      try await raw.send(framed([1]))
      #expect(try await connection.receive() == [1])

      let sending = Task {
        var count = 0
        do throws(TransportError) {
          while true {
            try await connection.send(Array(repeating: 1, count: 60_000))
            count += 1
          }
        } catch {
          return (count, error)
        }
      }
      try await wait { connection.framed.waiterCounts.senders == 1 }
      sending.cancel()
      let (count, error) = await sending.value
      #expect(error == TransportError(.closed, ""))
      async let received = raw.receive(count * 60_004 + 6)
      try await connection.send([7, 7])
      #expect(try await received.suffix(6) == framed([7, 7])[...])
    }
  }
}
