import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

@testable import FieldCore

@Suite(.timeLimit(.minutes(2))) struct TransferOrderTests {
  /// Arrivals of entries by their size class, as the second resident saw them.
  private func sizes(_ store: InMemoryStore) async throws -> [(kind: EntryKind, isLarge: Bool)] {
    try await store.scan(since: nil, limit: 1000, filter: EntryFilter()).listings.map {
      ($0.kind, $0.byteCount > EntryPull.inlineByteCount)
    }
  }

  @Test func smallEntriesComeBeforeLargeOnes() async throws {
    let village = try await Village.make(memberCount: 1)
    for _ in 0..<3 {
      try await village.writeBlob(100_000, at: 0)
      try await village.write(10, at: 0)
    }
    _ = try await village.grant(try required(DeviceKey(SigningKeyPair().publicKey)))
    let (first, _) = try await PeerSyncTests.sync(village, village.residents[1], village.residents[0])
    #expect(first.isInStep)
    let arrived = try await sizes(village.residents[1].store)
    #expect(arrived.prefix(3).allSatisfy { $0.kind == .directory }, "the founding, and both grants")
    #expect(arrived.dropFirst(3).prefix(30).allSatisfy { !$0.isLarge })
    #expect(arrived.suffix(3).allSatisfy { $0.isLarge })
  }

  @Test func aNewSmallEntryOvertakesALargeOne() async throws {
    let village = try await Village.make(memberCount: 1)
    for _ in 0..<4 { try await village.writeBlob(1_000_000, at: 0) }
    let (source, sink) = (village.residents[0], village.residents[1])
    var newcomer: EntryID?
    let (near, far) = MemoryConnection.pair(maximumMessageByteCount: 4096)
    async let there = PeerSyncTests.run(near, village, source, isInitiator: true)
    async let back = PeerSyncTests.run(far, village, sink, isInitiator: false)
    // Once some of the blob has come, something new is written at the other side.
    var (before, after) = (0, 0)
    for await _ in sink.store.changes() {
      let large = try await sizes(sink.store).count { $0.isLarge }
      if let id = newcomer {
        if try await sink.store.contained([id]).contains(id) {
          after = large
          break
        }
      } else if large >= 1 {
        before = large
        try await village.write(1, at: 0)
        newcomer = try await source.store.scan(since: nil, limit: 1000, filter: EntryFilter()).listings.last?.id
      }
    }
    #expect(before >= 1 && after <= before + 1, "a new entry waits for a window of a blob, not for the blobs behind it")
    let (first, second) = try await (there, back)
    #expect(first.isInStep && second.isInStep)
  }

  @Test func bulkStreamsWaitForOthers() throws {
    var sender = Multiplexer(role: .initiator)
    let bulk = sender.open()
    let small = sender.open()
    sender.setBulk(bulk)
    _ = try sender.send([UInt8](repeating: 1, count: 20_000), on: bulk, isLast: true)
    _ = try sender.send([UInt8](repeating: 2, count: 3000), on: small, isLast: true)
    var order: [StreamID] = []
    while let (packet, _) = sender.nextPacket(byteCount: 1000) {
      var reader = WireReader(packet)
      while !reader.isAtEnd {
        if case .data(let id, _, _) = try SessionFrame(from: &reader) { order.append(id) }
      }
    }
    let firstOfBulk = try #require(order.firstIndex(of: bulk))
    #expect(!order[firstOfBulk...].contains(small))
    #expect(order.prefix(3).allSatisfy { $0 == small })
  }

  @Test func dependenciesComeFirst() throws {
    let workspace = try TestWorkspace()
    var author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    var entries: [Entry] = []
    var random = SeededRandom(seed: 3)
    for number in 0..<200 {
      let dependencies = entries.isEmpty ? [] : (0..<2).compactMap { _ in entries.randomElement(using: &random) }
      entries.append(
        try author.write("\(number)", after: dependencies.map { $0.header.id(in: workspace.id) }).entry)
    }
    #expect(DependencyOrder.sorted(entries, in: workspace.id) == entries)
    let sorted = DependencyOrder.sorted(entries.shuffled(using: &random), in: workspace.id)
    #expect(Set(sorted) == Set(entries) && sorted.count == entries.count)
    var seen: Set<EntryID> = []
    for entry in sorted {
      #expect(entry.header.dependencies.allSatisfy(seen.contains))
      seen.insert(entry.header.id(in: workspace.id))
    }
  }
}
