import FieldCore
import FieldStore
import FieldWire
import Foundation
import Glibc
import StoreFixtures
import Testing

/// Several processes on one file, and processes that are killed.
@Suite(.serialized) struct SQLiteProcessTests {
  static let batchEntryCount = 5

  let workspace: TestWorkspace
  let folder: TemporaryFolder

  init() throws {
    workspace = try TestWorkspace()
    folder = try TemporaryFolder()
  }

  private func make() async throws -> SQLiteStore {
    let store = try SQLiteStore(
      path: folder.path("store"), workspace: workspace.id, options: SQLiteStore.Options(busyTimeout: .seconds(60)))
    let devices = try (2...4).map { (device: try TestWorkspace.device($0), role: DeviceRole.member) }
    #expect(try await store.put(workspace.directory(granting: devices)).allSatisfy { $0 == .stored })
    return store
  }

  private func writer(_ mode: String, _ device: Int, _ count: Int) throws -> StoreWriterProcess {
    try StoreWriterProcess([folder.path("store"), mode, "\(device)", "\(count)"])
  }

  /// Two processes append as one device, two put the same entries of another, one those of a third; one reads.
  @Test func fiveProcessesWriteAtOnce() async throws {
    let store = try await make()
    let count = 60
    let writers = [
      try writer("append", 2, count), try writer("append", 2, count), try writer("put", 3, count),
      try writer("put", 3, count), try writer("put", 4, count),
    ]
    // A reader that follows by cursor sees each entry once, in one order, while they write.
    let expected = 4 + 4 * count * Self.batchEntryCount
    var followed: [EntryListing] = []
    var cursor: StoreCursor?
    for await head in store.changes() {
      let news = try await store.allListings(since: cursor, pageSize: 100)
      followed += news
      cursor = news.last.map { StoreCursor(epoch: head.epoch, arrival: $0.arrival) } ?? cursor
      if followed.count >= expected { break }
    }
    for process in writers { #expect(process.wait() == 0) }

    let listings = try await store.allListings()
    #expect(listings == followed)
    #expect(listings.count == expected && Set(listings.map(\.id)).count == expected)
    #expect(listings.map(\.arrival) == Array(1...UInt64(expected)))
    var sequences: [DeviceKey: [UInt64]] = [:]
    for page in stride(from: 0, to: listings.count, by: 1000) {
      let ids = listings[page..<min(page + 1000, listings.count)].map(\.id)
      for header in try await store.headers(ids).values {
        sequences[header.author, default: []].append(header.sequence)
      }
    }
    // The device that two processes wrote for gave each sequence number once.
    let own = try #require(sequences[try TestWorkspace.device(2).key])
    #expect(own.sorted() == Array(1...UInt64(2 * count * Self.batchEntryCount)))
    #expect(try await store.verify() == [])
  }

  /// Killed at a moment that is different every time; each batch is there as a whole or not at all, and every one that
  /// was acknowledged is there.
  @Test(arguments: ["append", "put"])
  func aKilledWriterLeavesWholeBatches(_ mode: String) async throws {
    let store = try await make()
    var random = SystemRandomNumberGenerator()
    var acknowledged: Set<UInt64> = []
    for _ in 0..<12 {
      let process = try writer(mode, 2, 100_000)
      // A putting process begins with what its forerunner wrote; those batches are duplicates.
      let target = (mode == "put" ? acknowledged.max() ?? 0 : 0) + UInt64.random(in: 1...20, using: &random)
      let delay = Duration.microseconds(Int.random(in: 0...3000, using: &random))
      for await batch in process.acknowledged {
        acknowledged.insert(batch)
        if batch == target {
          // Anywhere in the next batch.
          let clock = ContinuousClock()
          let end = clock.now + delay
          while clock.now < end {}
          process.kill()
        }
      }
      #expect(process.wait() == -SIGKILL)
      #expect(try await store.verify() == [])
      for batch in acknowledged {
        let filter = EntryFilter(scope: .document(.number(1), .number(2 << 32 | batch)))
        #expect(try await store.allListings(filter: filter).count % Self.batchEntryCount == 0)
      }
    }
    let listings = try await store.allListings()
    #expect(listings.count % Self.batchEntryCount == 4, "the directory's four, and whole batches")
    #expect(listings.map(\.arrival) == Array(1...UInt64(listings.count)))
    var counts: [DocumentID: Int] = [:]
    for page in stride(from: 0, to: listings.count, by: 1000) {
      let ids = listings[page..<min(page + 1000, listings.count)].map(\.id)
      for header in try await store.headers(ids).values where header.kind == .documentChange {
        counts[header.document, default: 0] += 1
      }
    }
    #expect(counts.values.allSatisfy { $0.isMultiple(of: Self.batchEntryCount) })
    #expect(acknowledged.allSatisfy { (counts[.number(2 << 32 | $0)] ?? 0) >= Self.batchEntryCount })
  }
}
