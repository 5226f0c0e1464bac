import BlueZ
import DBus
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AttributeSocketTests {
  @Test func datagramsKeepTheirBoundaries() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let other = try AttributeSocket(theirs)
    let frames = (0...AttributeSocket.maximumByteCount).map { [UInt8](repeating: UInt8($0 & 255), count: $0) }
    async let sending: Void = {
      for frame in frames { try await ours.send(frame) }
    }()
    for frame in frames { #expect(try await other.receive() == frame) }
    try await sending
  }

  @Test func theEndComesAfterWhatWasSent() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let other = try AttributeSocket(theirs)
    try await ours.send([1])
    try await ours.send([2])
    ours.close()
    #expect(try await other.receive() == [1])
    #expect(try await other.receive() == [2])
    #expect(try await other.receive() == nil)
    #expect(try await other.receive() == nil)
    await #expect(throws: BlueZError(.linkClosed, "")) { try await other.send([3]) }
    await #expect(throws: BlueZError(.linkClosed, "")) { try await ours.send([3]) }
    #expect(try await ours.receive() == nil)
  }

  @Test func droppingAnEndIsClosingIt() async throws {
    // Again and again, so that the poller's thread is sometimes waiting for the end that is dropped.
    for _ in 0..<200 {
      var ends: (ours: AttributeSocket, theirs: FileDescriptor)? = try AttributeSocket.pair()
      let other = try AttributeSocket(try #require(ends?.theirs))
      try await ends?.ours.send([1])
      #expect(try await other.receive() == [1])
      ends = nil
      #expect(try await other.receive() == nil)
    }
  }

  @Test func closingWakesWhoWaits() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let receiving = Task { () async throws -> [UInt8]? in try await ours.receive() }
    theirs.close()
    #expect(try await receiving.value == nil)
    let (mine, kept) = try AttributeSocket.pair()
    let waiting = Task { () async throws -> [UInt8]? in try await mine.receive() }
    mine.close()
    #expect(try await waiting.value == nil)
    kept.close()
  }

  @Test func cancellationEndsWaiting() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let receiving = Task { () async throws -> [UInt8]? in try await ours.receive() }
    receiving.cancel()
    await #expect(throws: BlueZError(.cancelled, "")) { try await receiving.value }
    // Nothing was lost by it.
    let other = try AttributeSocket(theirs)
    try await other.send([5])
    #expect(try await ours.receive() == [5])
  }

  private final class Tally: Sendable {
    let sent = Mutex(0)
  }

  /// Nobody reads: senders wait once the socket is full, and no more of them than the limit.
  @Test func aSenderWaitsForRoomAndWaitersAreBounded() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let frame = [UInt8](repeating: 7, count: 495)
    let tally = Tally()
    let (results, result) = AsyncStream.makeStream(of: Result<Void, BlueZError>.self)
    let count = 1000
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<count {
        group.addTask {
          do throws(BlueZError) {
            try await ours.send(frame)
            tally.sent.withLock { $0 += 1 }
            result.yield(.success(()))
          } catch {
            result.yield(.failure(error))
          }
        }
      }
      // All but the waiting ones come back without anyone reading.
      var refused = 0
      var returned = 0
      for await result in results {
        returned += 1
        if case .failure(let error) = result {
          #expect(error.code == .limitExceeded)
          refused += 1
        }
        if returned == count - AttributeSocket.sendLimit { break }
      }
      let inKernel = tally.sent.withLock { $0 }
      #expect(inKernel > 50 && inKernel + refused + AttributeSocket.sendLimit == count)
      // Now they are read, and the waiting ones get their turn.
      var buffer = [UInt8](repeating: 0, count: 600)
      var received = 0
      while received < inKernel + AttributeSocket.sendLimit {
        let result = theirs.withRawValue { raw -> Int in
          var wait = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
          guard poll(&wait, 1, 10_000) == 1 else { return -1 }
          return recv(raw, &buffer, buffer.count, 0)
        }
        guard result == frame.count else {
          Issue.record("received \(result ?? -2) after \(received)")
          break
        }
        received += 1
      }
      await group.waitForAll()
      #expect(tally.sent.withLock { $0 } == received)
    }
  }

  /// The reader of a socket stops at its limit, and goes on when there is room; nothing is lost.
  @Test func receivingIsBounded() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let other = try AttributeSocket(theirs)
    let count = AttributeSocket.receiveLimit * 4
    async let sending: Void = {
      for number in 0..<count { try await ours.send([UInt8(number & 255), UInt8(number >> 8)]) }
    }()
    for number in 0..<count { #expect(try await other.receive() == [UInt8(number & 255), UInt8(number >> 8)]) }
    try await sending
  }

  @Test func oversizeIsRefused() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    await #expect(throws: BlueZError(.invalidLength, "")) {
      try await ours.send([UInt8](repeating: 0, count: AttributeSocket.maximumByteCount + 1))
    }
    theirs.close()
  }

  @Test func twoReceiversAtOnceAreRefused() async throws {
    let (ours, theirs) = try AttributeSocket.pair()
    let outcomes = await withTaskGroup(of: BlueZError.Code?.self) { group in
      for _ in 0..<2 {
        group.addTask {
          do throws(BlueZError) {
            _ = try await ours.receive()
            return nil
          } catch {
            return error.code
          }
        }
      }
      let first = await group.next() ?? nil
      theirs.close()
      return [first, await group.next() ?? nil]
    }
    #expect(outcomes == [.inProgress, nil])
  }
}
