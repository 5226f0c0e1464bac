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
}
