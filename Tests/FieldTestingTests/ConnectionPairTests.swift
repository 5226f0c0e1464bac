import FieldCore
import FieldTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ConnectionPairTests {
  @Test func messagesArriveInOrderAndTheEndIsOrderly() async throws {
    let pair = ConnectionPair(maximumMessageByteCount: 10)
    for value: UInt8 in 0..<5 { try await pair.first.send([value]) }
    await pair.first.close()
    for value: UInt8 in 0..<5 { #expect(try await pair.second.receive() == [value]) }
    #expect(try await pair.second.receive() == nil)
    await #expect(throws: TransportError(.closed, "")) { try await pair.second.receive() }
    await #expect(throws: TransportError(.closed, "")) { try await pair.first.send([1]) }
    await #expect(throws: TransportError(.messageTooLarge, "")) {
      try await pair.second.send([UInt8](repeating: 0, count: 11))
    }
  }

  @Test func aFullBufferHoldsTheSenderUp() async throws {
    let pair = ConnectionPair(bufferByteCount: 100)
    let sending = Task { for _ in 0..<10 { try await pair.first.send([UInt8](repeating: 0, count: 50)) } }
    while pair.sentMessageCounts[0] < 2 { await Task.yield() }
    for count in 0..<10 {
      #expect(pair.sentMessageCounts[0] <= count + 2)
      #expect(try await pair.second.receive()?.count == 50)
    }
    try await sending.value
  }

  @Test(arguments: 0..<5) func aCutAtAMessageLetsTheOnesBeforeThrough(index: Int) async throws {
    let pair = ConnectionPair(forth: .init(cutAtMessage: index))
    var sentCount = 0
    do throws(TransportError) {
      for value: UInt8 in 0..<10 {
        try await pair.first.send([value])
        sentCount += 1
      }
    } catch {
      #expect(error.code == .connectionLost)
    }
    #expect(sentCount == index + 1)
    for value in 0..<index { #expect(try await pair.second.receive() == [UInt8(value)]) }
    await #expect(throws: TransportError(.connectionLost, "")) { try await pair.second.receive() }
  }

  @Test(arguments: [(0, 0), (9, 0), (10, 1), (25, 2)]) func aCutAtAByteTakesTheMessageWithIt(
    byte: Int, count: Int
  ) async throws {
    let pair = ConnectionPair(forth: .init(cutAtByte: byte))
    for _ in 0...count { try await pair.first.send([UInt8](repeating: 1, count: 10)) }
    for _ in 0..<count { #expect(try await pair.second.receive()?.count == 10) }
    await #expect(throws: TransportError(.connectionLost, "")) { try await pair.second.receive() }
  }

  @Test func aStallHoldsMessagesUntilItIsOver() async throws {
    let pair = ConnectionPair(forth: .init(stallAtMessage: 1))
    for value: UInt8 in 0..<3 { try await pair.first.send([value]) }
    #expect(try await pair.second.receive() == [0])
    let receiving = Task { try await pair.second.receive() }
    for _ in 0..<100 { await Task.yield() }
    receiving.cancel()
    await #expect(throws: TransportError(.closed, "")) { try await receiving.value }
    pair.resume()
    #expect(try await pair.second.receive() == [1])
    #expect(try await pair.second.receive() == [2])
  }

  @Test func aCorruptMessageDiffersInOneBit() async throws {
    let pair = ConnectionPair(back: .init(corruptMessages: [1]))
    for _ in 0..<3 { try await pair.second.send([0, 0, 0, 0]) }
    var received: [[UInt8]] = []
    for _ in 0..<3 { received.append(try await pair.first.receive() ?? []) }
    #expect(received.map { $0.reduce(0) { $0 + $1.nonzeroBitCount } } == [0, 1, 0])
  }
}
