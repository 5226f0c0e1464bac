import FieldCore
import FieldStore
import FieldWire
import Foundation
import GRDB
import Sodium
import StoreFixtures
import Synchronization
import Testing

/// What `verify` finds, and what a lost tail of the log leaves.
@Suite struct SQLiteDamageTests {
  let workspace: TestWorkspace
  let folder: TemporaryFolder
  let device: SigningKeyPair

  init() throws {
    workspace = try TestWorkspace()
    folder = try TemporaryFolder()
    device = try TestWorkspace.device(2)
  }

  private func open(_ name: String = "store") throws -> SQLiteStore {
    try SQLiteStore(path: folder.path(name), workspace: workspace.id)
  }

  private func fill(_ store: SQLiteStore) async throws {
    #expect(try await store.put(workspace.directory(granting: [(device, .member)])) == [.stored, .stored])
    for number in 0..<10 {
      _ = try await store.append([.text("\(number)", to: .number(UInt64(number % 3)))], signedBy: device)
    }
  }

  @Test(arguments: [
    "UPDATE payload SET bytes = x'00' WHERE key = 5",
    "UPDATE entry SET signature = zeroblob(64) WHERE arrival = 6",
    "UPDATE entry SET id = zeroblob(32) WHERE arrival = 6",
    "UPDATE entry SET header = substr(header, 1, 100) WHERE arrival = 6",
    "UPDATE entry SET payload = 77 WHERE arrival = 6",
    "DELETE FROM entry WHERE arrival = 6",
    "DELETE FROM payload WHERE key = 7",
    "INSERT INTO payload (bytes) VALUES (x'01')",
    "UPDATE total SET entryCount = entryCount + 1 WHERE scope = x''",
    "UPDATE total SET digest = zeroblob(2048) WHERE scope <> x'' AND scope <> zeroblob(16)",
    "UPDATE total SET arrival = 3 WHERE scope = x''",
    "INSERT INTO total (scope, arrival, entryCount, digest) VALUES (zeroblob(15) || x'07', 1, 1, zeroblob(2048))",
    "DELETE FROM chain",
    "INSERT INTO purged SELECT database, document FROM entry WHERE arrival = 6",
  ])
  func damageIsFound(_ sql: String) async throws {
    let store = try open()
    try await fill(store)
    let seen = Mutex<[UInt64]>([])
    #expect(try await store.verify { checked, _ in seen.withLock { $0.append(checked) } } == [])
    #expect(seen.withLock { $0.last } == 12)
    try await store.close()
    let queue = try DatabaseQueue(path: folder.path("store"))
    try await queue.write { try $0.execute(sql: sql) }
    try queue.close()
    let findings: [String]
    do {
      findings = try await open().verify()
    } catch {
      // What cannot even be read.
      #expect(error as? StoreError == StoreError(.damaged, ""))
      return
    }
    #expect(!findings.isEmpty)
  }

  @Test func aForgedGrantOnDiskMakesNoMember() async throws {
    let store = try open()
    try await fill(store)
    try await store.close()
    let other = try TestWorkspace(number: 9)
    var forger = try TestAuthor(other.founder, in: other)
    let grant = try forger.grant(try TestWorkspace.device(5), .admin).entry
    let queue = try DatabaseQueue(path: folder.path("store"))
    try await queue.write { database in
      let sql = "UPDATE entry SET header = ?, signature = ? WHERE arrival = 2"
      try database.execute(sql: sql, arguments: [Data(grant.header.encoded), Data(grant.signature)])
    }
    try queue.close()
    let second = try open()
    await #expect(throws: StoreError(.damaged, "")) { try await second.directory() }
    let device = device
    await #expect(throws: StoreError(.damaged, "")) { try await second.append([.text("x")], signedBy: device) }
    #expect(try await second.verify() != [])
  }

  @Test func flippedBytesInTheFileAreFound() async throws {
    let store = try open()
    try await fill(store)
    let text = "a payload that is easy to find in the file"
    _ = try await store.append([.text(text)], signedBy: device)
    try await store.close()
    let url = URL(fileURLWithPath: folder.path("store"))
    var file = try Data(contentsOf: url)
    let place = try #require(file.range(of: Data(text.utf8)))
    file[place.lowerBound + 4] ^= 0x20
    try file.write(to: url)
    #expect(try await open().verify().count == 1)
  }

  /// Whatever of the log is lost or spoiled behind some point, what is left is the store as it was at one moment.
  @Test func aTornLogLeavesAWholePast() async throws {
    let store = try open()
    try await fill(store)
    let log = try Data(contentsOf: URL(fileURLWithPath: folder.path("store-wal")))
    let file = try Data(contentsOf: URL(fileURLWithPath: folder.path("store")))
    let order = try await store.allListings().map(\.id)
    try await store.close()
    #expect(log.count > 20_000)

    var counts: Set<Int> = []
    for round in 0..<60 {
      var torn = log.prefix(log.count * round / 60 + round)
      if round % 3 == 1 { torn += Data(repeating: 0xA5, count: 700) }
      if round % 3 == 2, !torn.isEmpty { torn[torn.count - 1] ^= 1 }
      let name = "torn \(round)"
      try file.write(to: URL(fileURLWithPath: folder.path(name)))
      try torn.write(to: URL(fileURLWithPath: folder.path(name + "-wal")))
      let left = try open(name)
      let listings = try await left.allListings().map(\.id)
      #expect(listings == Array(order.prefix(listings.count)))
      counts.insert(listings.count)
      #expect(try await left.verify() == [])
      // It goes on from there.
      if listings.count > 2 {
        let next = try await left.append([.text("next")], signedBy: device)
        #expect(next[0].header.sequence == UInt64(listings.count - 1))
      }
      try await left.close()
    }
    #expect(counts.count > 5)
  }
}
