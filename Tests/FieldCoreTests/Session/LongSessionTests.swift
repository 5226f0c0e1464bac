import FieldCore
import Testing

/// Sessions that stay, as an agent's do.
@Suite(.timeLimit(.minutes(1))) struct LongSessionTests {
  /// A scan stops after so many rows, whether it has found anything or not.
  @Test func anOwnEntryBehindManyOfThePeersIsPassedOn() async throws {
    var village = try await Village.make(memberCount: 1)
    let store = InMemoryStore(workspace: village.workspace, scanRowLimit: 10)
    _ = try await store.pull(from: village.founder.store)
    village.replaceStore(of: 1, by: store)
    try await village.write(1000, at: 0)
    let (first, second) = (village.residents[0], village.residents[1])
    let (session, other) = try await village.session(from: first, to: second)
    async let here = PeerSync(
      session: session, store: first.store, ownDevice: first.device, ending: .never, clock: ContinuousClock()
    ).run()
    let sync = PeerSync(
      session: other, store: second.store, ownDevice: second.device, ending: .never, clock: ContinuousClock())
    async let there = sync.run()
    for await event in sync.events { if case .inStep = event { break } }
    let all = try await first.store.head().entryCount
    try await village.write(1, at: 1)
    for await head in first.store.changes() where head.entryCount == all + 1 { break }
    await session.close(.done)
    _ = await (here, there)
  }
}
