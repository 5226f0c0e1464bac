import FieldCore
import NIOCore
import Testing

@testable import FieldLAN

@Suite("A connection's state")
struct ConnectionStateTests {
  @Test("What is sent while a write is under way becomes one write")
  func coalescing() {
    var queue = OutboundQueue()
    guard case .taken(let first?) = queue.add([1]) else {
      Issue.record("the first message is not written at once")
      return
    }
    #expect(Array(first.readableBytesView) == framed([1]))
    for number in UInt8(0)..<200 {
      guard case .taken(write: nil) = queue.add([number]) else {
        Issue.record("message \(number) is not kept")
        return
      }
    }
    let second = queue.writeCompleted()
    #expect(second.map { Array($0.readableBytesView) } == (UInt8(0)..<200).flatMap { framed([$0]) })
    #expect(queue.writeCompleted() == nil)
    #expect(queue.isEmpty)
  }

  @Test("The queue takes messages up to its limit, and one of any size when it is empty")
  func outboundLimit() {
    var queue = OutboundQueue()
    let message = Array(repeating: UInt8(0), count: TCPConnection.maximumMessageByteCount)
    var count = 0
    while case .taken = queue.add(message) { count += 1 }
    #expect(count == 1)
    #expect(queue.hasRoom(forMessageOf: 1000) && queue.byteCount <= OutboundQueue.byteLimit)
    _ = queue.writeCompleted()
    #expect(queue.hasRoom(forMessageOf: message.count))
  }

  @Test("Reading begins with the first receive, stops at the limit, and goes on at half of it")
  func reading() {
    var state = ConnectionState()
    let frame = ByteBuffer(bytes: framed(Array(repeating: 1, count: 9996)))
    #expect(reads(state.receive()) == true)
    #expect(reads(state.receive()) == false)
    for count in 1...7 {
      _ = state.received(frame)
      #expect(state.readCompleted() == (count < 7))
    }
    let actions = (0..<7).map { _ in reads(state.receive()) }
    #expect(actions == [false, false, false, true, false, false, false])
  }

  @Test("A message over half of the limit is read to its end")
  func readingLongMessage() {
    var state = ConnectionState()
    _ = state.receive()
    let long = framed(Array(repeating: 1, count: 65_535))
    _ = state.received(ByteBuffer(bytes: framed([1]) + long[..<65_534]))
    let readsOn = state.readCompleted()
    #expect(!readsOn)
    #expect(reads(state.receive()) == true)
    _ = state.received(ByteBuffer(bytes: long[65_534...]))
    guard case .message(let message, _) = state.receive() else {
      Issue.record("the message is not handed out")
      return
    }
    #expect(message.count == 65_535)
  }

  @Test("Closing waits for what was sent, then for the peer's end")
  func closing() {
    var state = ConnectionState()
    _ = state.send([1])
    #expect(isNone(state.close()))
    guard case .shutDownOutput = state.writeCompleted() else {
      Issue.record("this side does not end")
      return
    }
    let readsOn = state.readCompleted()
    #expect(readsOn)
    guard case .closeChannel = state.inputEnded() else {
      Issue.record("the channel is not closed")
      return
    }
  }

  @Test("The peer's end does not cut off what was sent before")
  func endWhileSending() {
    var state = ConnectionState()
    _ = state.send([1])
    #expect(isNone(state.inputEnded()))
    guard case .closeChannel = state.writeCompleted() else {
      Issue.record("the channel is not closed")
      return
    }
  }

  private func reads(_ action: ConnectionState.ReceiveAction) -> Bool? {
    switch action {
    case .message(_, let read), .wait(let read): read
    case .end, .fail: nil
    }
  }

  private func isNone(_ action: ConnectionState.FlushAction) -> Bool {
    if case .none = action { true } else { false }
  }
}
