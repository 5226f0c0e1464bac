import FieldCore
import FieldStore
import FieldWire
import Foundation
import StoreFixtures
import Testing

/// A way to make a store that the contract is held to. One that is not on this machine is tested through `remote`, and
/// filled and restarted through `local`, what it stands for.
struct StoreFactory: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let make: @Sendable (WorkspaceID) async throws -> StoreUnderTest

  static let all = [inMemory, sqlite]

  static let inMemory = StoreFactory(testDescription: "in memory") { workspace in
    let store = InMemoryStore(workspace: workspace)
    return StoreUnderTest(store: store, local: store, reopen: { store }, check: {})
  }

  static let sqlite = StoreFactory(testDescription: "SQLite") { workspace in
    let folder = try TemporaryFolder()
    let open = { @Sendable in try SQLiteStore(path: folder.path("store"), workspace: workspace) }
    let store = try open()
    return StoreUnderTest(
      store: store, local: store,
      reopen: {
        try await store.close()
        return try open()
      },
      check: {
        let second = try open()
        #expect(try await second.verify() == [])
        try await second.close()
      })
  }
}

struct StoreUnderTest: Sendable {
  let store: any ContentAddressedStore
  let local: any LocalStore
  /// Ends the store and opens what it left, where it leaves anything; otherwise goes on with it.
  let reopen: @Sendable () async throws -> any LocalStore
  /// Whatever else has to hold at the end of a test.
  let check: @Sendable () async throws -> Void

  /// Puts entries that all have to be taken.
  func fill(_ entries: [VerifiedEntry]) async throws {
    #expect(try await store.put(entries.map(\.entry)) == entries.map { _ in .stored })
  }

  func allListings(
    filter: EntryFilter = EntryFilter(), pageSize: Int = StoreLimits.idCount
  ) async throws
    -> [EntryListing]
  {
    try await store.allListings(filter: filter, pageSize: pageSize)
  }
}

extension ContentAddressedStore {
  func allListings(
    since start: StoreCursor? = nil, filter: EntryFilter = EntryFilter(), pageSize: Int = 1000
  )
    async throws -> [EntryListing]
  {
    var cursor = start
    var listings: [EntryListing] = []
    while true {
      let page = try await scan(since: cursor, limit: pageSize, filter: filter)
      #expect(page.listings.count <= pageSize)
      #expect(page.listings.allSatisfy { $0.arrival > listings.last?.arrival ?? start?.arrival ?? 0 })
      #expect(zip(page.listings, page.listings.dropFirst()).allSatisfy { $0.arrival < $1.arrival })
      listings += page.listings
      guard page.hasMore else { return listings }
      cursor = page.next
    }
  }
}

/// A folder that goes when nobody holds it any more.
final class TemporaryFolder: Sendable {
  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "fieldstore-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  func path(_ name: String) -> String { url.appending(path: name).path }
}
