import Testing

@testable import FieldCore

@Suite struct WaitingRoomTests {
  private let limit = WaitingRoom<Int>.seatLimit

  @Test func whoFloodsMakesRoomForItself() {
    var room = WaitingRoom<Int>()
    #expect(room.arrived(0, from: "member") == nil)
    for id in 1..<10_000 {
      let evicted = room.arrived(id, from: "flood \(id % 3)")
      #expect(evicted != 0 && (evicted == nil) == (id < limit))
      #expect(room.count <= limit)
    }
    room.left(0)
    #expect(room.count == limit - 1)
  }

  @Test func ofManyOriginsTheOldestGoes() {
    var room = WaitingRoom<Int>()
    for id in 0..<limit { #expect(room.arrived(id, from: "\(id)") == nil) }
    #expect(room.arrived(limit, from: "new") == 0)
    room.left(1)
    #expect(room.arrived(limit + 1, from: "newer") == nil)
    #expect(room.arrived(limit + 2, from: "newest") == 2)
  }

  @Test func aFirstMessageTellsWhatItBegins() throws {
    #expect(SessionOpening([]) == nil && SessionOpening([UInt8](repeating: 0, count: 47)) == nil)
    #expect(SessionOpening([UInt8](repeating: 0, count: 48)) == .handshake)
    #expect(SessionOpening(Array("fieldsync".utf8) + [UInt8](repeating: 0, count: 56)) == nil)
    #expect(SessionOpening(try CodeExchange.Request(code: [1, 2, 3]).message) == .code)
  }
}
