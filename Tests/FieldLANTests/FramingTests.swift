import FieldCore
@testable import FieldLAN
import Testing

@Suite("Messages over a socket", .timeLimit(.minutes(1)))
struct FramingTests {
  @Test("Messages come through as they were sent, both ways", arguments: ["127.0.0.1", "::1", "localhost"])
  func roundTrip(host: String) async throws {
    try await Loopback.run(host: host) { loopback in
      let (dialled, accepted) = try await loopback.pair()
      let messages = [0, 1, 4, 1000, 65_535].map { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } }
      for message in messages {
        try await dialled.send(message)
        try await accepted.send(message.reversed())
      }
      for message in messages {
        #expect(try await accepted.receive() == message)
        #expect(try await dialled.receive() == message.reversed())
      }
      await dialled.close()
      #expect(try await accepted.receive() == nil)
    }
  }

  @Test("What is on the wire is the length and the message, and nothing else")
  func wireFormat() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      try await connection.send([1, 2, 3])
      try await connection.send([])
      async let closing: Void = connection.close()
      #expect(try await raw.receive(100) == [0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0])
      try raw.endOutput()
      await closing
    }
  }

  @Test("A message may come in any two pieces", arguments: 0...7)
  func split(at place: Int) async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let bytes = framed([9, 8, 7])
      async let message = connection.receive()
      try await wait { connection.framed.waiterCounts.receivers == 1 }
      try await raw.send(Array(bytes[..<place]))
      try await wait { connection.framed.bufferedByteCounts.inbound == place || place == bytes.count }
      try await raw.send(Array(bytes[place...]))
      #expect(try await message == [9, 8, 7])
    }
  }

  @Test("Messages may come byte by byte")
  func byteByByte() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let messages: [[UInt8]] = [[], [1], [], Array(repeating: 5, count: 300)]
      async let received = connection.receive(count: messages.count)
      for byte in messages.flatMap(framed) { try await raw.send([byte]) }
      #expect(try await received == messages)
    }
  }

  @Test("Many messages may come at once")
  func coalesced() async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      let messages = (0..<2000).map { Array(repeating: UInt8(truncatingIfNeeded: $0), count: $0 % 40) }
      async let sent: Void = raw.send(messages.flatMap(framed))
      #expect(try await connection.receive(count: messages.count) == messages)
      try await sent
    }
  }

  @Test(
    "A length over the maximum ends the connection, before any of the message came", arguments: [65_536, 1 << 31, .max])
  func tooLong(length: UInt32) async throws {
    try await Loopback.run { loopback in
      let (raw, connection) = try await loopback.rawPair()
      try await raw.send(framed([4]) + withUnsafeBytes(of: length.bigEndian) { Array($0) })
      #expect(try await connection.receive() == [4])
      await #expect(throws: TransportError(.protocolViolation, "")) { try await connection.receive() }
      await #expect(throws: TransportError(.protocolViolation, "")) { try await connection.send([1]) }
      #expect(try await raw.receive(1) == [])
    }
  }

  @Test("A message over the maximum is not sent, and the connection stays")
  func tooLongToSend() async throws {
    try await Loopback.run { loopback in
      let (dialled, accepted) = try await loopback.pair()
      await #expect(throws: TransportError(.messageTooLarge, "")) {
        try await dialled.send(Array(repeating: 0, count: 65_536))
      }
      try await dialled.send([1])
      #expect(try await accepted.receive() == [1])
    }
  }

  @Test("Any sizes in any pieces", arguments: 1...8)
  func randomChunks(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let messages = (0..<60).map { _ in
      let limit = [3, 300, 65_535].randomElement(using: &random) ?? 0
      return Array(
        repeating: UInt8.random(in: 0...255, using: &random), count: Int.random(in: 0...limit, using: &random))
    }
    let bytes = messages.flatMap(framed)
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      // Thousands of single bytes show no more than hundreds do.
      let limits = pieces.count < 500 ? [1, 5, 1000, 100_000] : [100_000]
      let end = start + Int.random(in: 1...(limits.randomElement(using: &random) ?? 1), using: &random)
      pieces.append(Array(bytes[start..<min(end, bytes.count)]))
      start = end
    }
    try await Loopback.run { [pieces] loopback in
      let (raw, connection) = try await loopback.rawPair()
      async let received = connection.receive(count: messages.count)
      for piece in pieces { try await raw.send(piece) }
      #expect(try await received == messages)
      try raw.endOutput()
      #expect(try await connection.receive() == nil)
    }
  }
}

extension TCPConnection {
  /// Fewer only where the peer ended.
  func receive(count: Int) async throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    while messages.count < count, let message = try await receive() { messages.append(message) }
    return messages
  }
}
