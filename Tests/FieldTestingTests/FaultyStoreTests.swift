import FieldCore
import FieldTesting
import StoreFixtures
import Testing

@Suite struct FaultyStoreTests {
  @Test func theCallThatIsNamedFailsBeforeOrAfterItsWork() async throws {
    let workspace = try TestWorkspace()
    for moment in [FaultyStore.Fault.Moment.before, .after] {
      let inner = InMemoryStore(workspace: workspace.id)
      let store = FaultyStore(inner, failingCall: 1, fault: .init(StoreError(.cannotWrite, "full"), moment))
      _ = try await store.head()
      await #expect(throws: StoreError(.cannotWrite, "")) { try await store.put([workspace.founding.entry]) }
      #expect(try await inner.head().entryCount == (moment == .before ? 0 : 1))
      let outcomes = try await store.put([workspace.founding.entry])
      #expect(outcomes.count == 1)
      #expect(try await store.head().entryCount == 1)
      #expect(store.callCount == 4)
    }
  }

  @Test func aPlanCanBeChanged() async throws {
    let store = FaultyStore(InMemoryStore(workspace: try TestWorkspace().id)) { $0 % 2 == 1 ? .init() : nil }
    _ = try await store.head()
    await #expect(throws: StoreError(.cannotWrite, "")) { try await store.head() }
    store.setPlan { _ in .init(StoreError(.busy, "")) }
    await #expect(throws: StoreError(.busy, "")) { try await store.head() }
    store.setPlan { _ in nil }
    _ = try await store.head()
  }
}
