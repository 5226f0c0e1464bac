import FieldWire
import Testing

@testable import FieldCore

@Suite struct MultiplexerTests {
  /// A receiver takes a new stream that comes behind a newer one for the rest of a stream that was reset.
  @Test(arguments: [485, 1964]) func newStreamsGoOutInTheOrderOfTheirIDs(packetByteCount: Int) throws {
    var sender = Multiplexer(role: .initiator)
    var receiver = Multiplexer(role: .responder)
    for _ in 0..<3 {
      sender.notify(Message(.head).framed)
      _ = try sender.send(Message(.head).framed, on: sender.open(), isLast: true)
    }
    var opened: [StreamID] = []
    var messageCount = 0
    while let (packet, _) = sender.nextPacket(byteCount: packetByteCount) {
      for event in try receiver.received(packet) {
        switch event {
        case .opened(let id): opened.append(id)
        case .message: messageCount += 1
        default: break
        }
      }
    }
    #expect(opened == [1, 3, 5, 7, 9, 11].map { StreamID($0) })
    #expect(messageCount == 6)
  }

  /// Credit is for what was read, to the byte: with more, a queue of tiny messages would have no end.
  @Test(arguments: [3, 63, 64, 65, 20_000]) func creditIsForWhatWasRead(messageByteCount: Int) throws {
    var receiver = Multiplexer(role: .responder)
    let framed = Message(.head, body: [UInt8](repeating: 0, count: messageByteCount - 1)).framed
    let count = SessionLimits.streamWindowByteCount / framed.count
    var lengths: [Int] = []
    for _ in 0..<count {
      var writer = WireWriter()
      SessionFrame.data(StreamID(1), framed[...], .none).encode(into: &writer)
      for case .message(_, let bytes) in try receiver.received(writer.bytes) { lengths.append(bytes.count) }
    }
    #expect(lengths.count == count)
    var (read, granted) = (0, 0)
    for length in lengths {
      read += framed.count
      receiver.consumed(length, on: StreamID(1))
      guard let (packet, _) = receiver.nextPacket(byteCount: 100) else { continue }
      var reader = WireReader(packet)
      while !reader.isAtEnd {
        if case .credit(_, let byteCount) = try SessionFrame(from: &reader) { granted += byteCount }
      }
      #expect(granted <= read)
    }
    #expect(granted >= SessionLimits.streamWindowByteCount / 2)
  }
}
