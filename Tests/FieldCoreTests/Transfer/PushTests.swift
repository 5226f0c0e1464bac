import FieldWire
import Testing

@testable import FieldCore

/// Bringing entries to a peer that does not ask for them.
@Suite(.timeLimit(.minutes(1))) struct PushTests {
  @Test func whatAPeerLacksIsBroughtToIt() async throws {
    let village = try await Village.make(memberCount: 1)
    let (source, target) = (village.residents[0], village.residents[1])
    try await village.write(StoreLimits.idCount + 100, at: 0)
    try await village.write(30, at: 1)
    try await village.writeBlob(95_000, at: 0)
    let lacking = Int(try await source.store.head().entryCount) - Int(try await target.store.head().entryCount) + 30
    let (session, peer) = try await village.session(from: source, to: target)
    let server = StoreServer(
      store: target.store, secrets: peer.secrets, budget: PassBudget { .zero }, clock: ContinuousClock())
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { _ = await session.run() }
      group.addTask { _ = await peer.run() }
      group.addTask {
        for await stream in peer.incoming {
          if let request = try? await stream.receive() { await server.answer(request, on: stream, from: nil) }
        }
      }
      let remote = RemoteStore(session: session)
      let report = try await source.store.push(to: remote)
      #expect(report.storedCount == lacking && report.duplicateCount == 0 && report.refusals.isEmpty)
      #expect(try await source.store.push(to: remote) == PushReport(), "nothing is left to bring")
      await session.close(.done)
    }
    _ = try await source.store.pull(from: target.store)
    #expect(try await source.store.head().digest == target.store.head().digest)
  }

  /// An entry whose header was spoiled on disk comes with another id than was asked for.
  @Test func whatWasSpoiledHoldsUpNothingElse() async throws {
    let village = try await Village.make(memberCount: 0)
    try await village.write(5, at: 0)
    let store = village.founder.store
    let ids = try await store.scan(since: nil, limit: 10, filter: EntryFilter()).listings.map(\.id)
    let entries = try await store.entries(ids)
    try #require(ids.count == 6 && entries.count == 6)
    var spoiled = entries[3]
    spoiled.header.sequence += 1
    func left(_ came: [Entry], of asked: ArraySlice<EntryID>) -> Int {
      asked.endIndex - store.handled(by: came, of: asked)
    }
    #expect(left(entries, of: ids[...]) == 0)
    #expect(left(Array(entries[..<2]), of: ids[...]) == 4)
    #expect(left([entries[1]], of: ids[...]) == 4, "the first is not here")
    #expect(left([entries[2], spoiled], of: ids[2...]) == 2)
    #expect(left([spoiled], of: ids[3...]) == 2)
    #expect(left([spoiled], of: ids[3..<4]) == 0)
    #expect(left([entries[2], spoiled, entries[4]], of: ids[2...]) == 1)
    #expect(left([spoiled, spoiled], of: ids[5...]) == 0)
  }
}
