import FieldCore
import Testing

@testable import FieldBluetooth

@Suite struct SightingTableTests {
  private var table = SightingTable(lifetime: .seconds(30))

  private mutating func heard(
    _ address: String, _ announcement: [UInt8] = [1], at seconds: Int
  ) -> SightingTable.Change? {
    table.heard(address, announcement: announcement, now: .seconds(seconds))
  }

  @Test mutating func aPeerAppearsOnceAndAgainWhenItSaysSomethingElse() {
    table.listening(true, now: .zero)
    #expect(heard("A", at: 1) == .appeared("A", announcement: [1]))
    #expect(heard("A", at: 2) == nil)
    #expect(heard("A", [2], at: 3) == .appeared("A", announcement: [2]))
    #expect(table.present == [.appeared("A", announcement: [2])])
  }

  @Test mutating func aSilentPeerVanishes() {
    table.listening(true, now: .zero)
    _ = heard("A", at: 0)
    _ = heard("B", at: 10)
    #expect(table.expire(now: .seconds(29)).isEmpty)
    #expect(table.expire(now: .seconds(30)) == [.vanished("A", announcement: [1])])
    #expect(table.expire(now: .seconds(40)) == [.vanished("B", announcement: [1])])
    #expect(heard("A", at: 41) == .appeared("A", announcement: [1]))
  }

  @Test mutating func timeWithoutListeningDoesNotCount() {
    table.listening(true, now: .zero)
    _ = heard("A", at: 0)
    table.listening(false, now: .seconds(20))
    #expect(table.expire(now: .seconds(500)).isEmpty)
    table.listening(true, now: .seconds(500))
    #expect(table.expire(now: .seconds(509)).isEmpty)
    #expect(table.expire(now: .seconds(510)) == [.vanished("A", announcement: [1])])
  }

  @Test mutating func whoIsDialledInVainVanishesAllTheSame() {
    table.listening(true, now: .zero)
    _ = heard("A", at: 0)
    _ = heard("B", at: 0)
    // Nobody listens during a dial.
    table.listening(false, now: .seconds(10))
    table.missed("A", for: .seconds(8))
    table.missed("C", for: .seconds(8))
    table.listening(true, now: .seconds(18))
    #expect(table.expire(now: .seconds(29)).isEmpty)
    #expect(table.expire(now: .seconds(30)) == [.vanished("A", announcement: [1])])
    #expect(table.expire(now: .seconds(37)).isEmpty)
    #expect(table.expire(now: .seconds(38)) == [.vanished("B", announcement: [1])])
  }

  @Test mutating func whoIsConnectedStays() {
    table.listening(true, now: .zero)
    _ = heard("A", at: 0)
    table.connection("A", isConnected: true, now: .seconds(5))
    #expect(table.expire(now: .seconds(100)).isEmpty)
    table.connection("A", isConnected: false, now: .seconds(100))
    #expect(table.expire(now: .seconds(129)).isEmpty)
    #expect(table.expire(now: .seconds(130)) == [.vanished("A", announcement: [1])])
  }

  @Test mutating func thereIsALimit() {
    for index in 0..<SightingTable.peerLimit { #expect(heard("\(index)", at: 0) != nil) }
    #expect(heard("one more", at: 0) == nil)
    #expect(table.present.count == SightingTable.peerLimit)
    #expect(table.clear().count == SightingTable.peerLimit)
    #expect(table.present.isEmpty)
  }

  @Test func theFeedBeginsWithWhoIsThere() async throws {
    let feed = SightingFeed(lifetime: .seconds(30))
    feed.update { [$0.heard("A", announcement: [7], now: .zero)].compactMap { $0 } }
    var sightings = feed.sightings().makeAsyncIterator()
    let first = try #require(await sightings.next())
    #expect(
      first == PeerSighting(address: PeerAddress(kind: .bluetooth, location: "A"), change: .appeared, announcement: [7])
    )
    feed.update { $0.clear() }
    #expect(await sightings.next()?.change == .vanished)
    feed.finish()
    #expect(await sightings.next() == nil)
    var late = feed.sightings().makeAsyncIterator()
    #expect(await late.next() == nil)
  }
}
