import FieldCore
import Synchronization
import Testing

@testable import FieldLAN

@Suite("Back-pressure", .timeLimit(.minutes(2)))
struct BackPressureTests {
  @Test("A sender waits while the receiver does not read, in bounded memory, and nothing is lost")
  func sender() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair(receiveByteCount: 16 << 10)
      let messageCount = 400
      let message = Array(repeating: UInt8(6), count: 40_000)
      let sent = Mutex(0)
      let sending = Task {
        for _ in 0..<messageCount {
          try await connection.send(message)
          sent.withLock { $0 += 1 }
        }
      }
      try await wait { connection.framed.waiterCounts.senders == 1 }
      #expect(connection.framed.bufferedByteCounts.outbound <= OutboundQueue.byteLimit)
      #expect(sent.withLock { $0 } < messageCount / 4)

      let received = try await raw.receive(messageCount * (message.count + 4))
      #expect(received == bytes(of: message, count: messageCount))
      try await sending.value
    }
  }

  @Test("Reading stops while nobody receives, in bounded memory, and nothing is lost", arguments: [0, 1])
  func receiver(receivedFirst: Int) async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let bytes = bytes(of: Array(repeating: 8, count: 20_000), count: 800)
      var sent = 0
      if receivedFirst > 0 {
        sent = 20_004
        try await raw.send(Array(bytes[..<sent]))
        #expect(try await connection.receive()?.count == 20_000)
        async let next = connection.receive()
        try await wait { connection.framed.waiterCounts.receivers == 1 }
        try await raw.send(Array(bytes[sent..<(2 * sent)]))
        #expect(try await next?.count == 20_000)
        sent *= 2
      }
      // The kernel takes what its two buffers hold; full is when it took nothing for many turns.
      var idleTurns = 0
      while idleTurns < 20_000, sent < bytes.count {
        let count = try raw.sendWithoutWaiting(bytes[sent...])
        sent += count
        idleTurns = count == 0 ? idleTurns + 1 : 0
        await Task.yield()
      }
      #expect(sent < bytes.count)
      let buffered = connection.framed.bufferedByteCounts.inbound
      #expect(buffered <= ConnectionState.readAheadByteCount + 32 << 10)
      if receivedFirst == 0 { #expect(buffered == 0) }

      async let rest: Void = raw.send(Array(bytes[sent...]))
      let messages = try await connection.receive(count: 800 - 2 * receivedFirst)
      #expect(messages.allSatisfy { $0.count == 20_000 } && messages.count == 800 - 2 * receivedFirst)
      try await rest
    }
  }

  @Test("Small messages that wait take no more memory than they did on the wire")
  func smallMessages() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let bytes = bytes(of: [], count: 100_000)
      async let sent: Void = raw.send(bytes)
      #expect(try await connection.receive() == [])
      try await wait { connection.framed.bufferedByteCounts.inbound > 60_000 }
      #expect(connection.framed.bufferedByteCounts.inbound <= ConnectionState.readAheadByteCount + 32 << 10)
      #expect(try await connection.receive(count: 99_999).count == 99_999)
      try await sent
    }
  }
}

private func bytes(of message: [UInt8], count: Int) -> [UInt8] {
  let one = framed(message)
  var bytes: [UInt8] = []
  bytes.reserveCapacity(one.count * count)
  for _ in 0..<count { bytes += one }
  return bytes
}
