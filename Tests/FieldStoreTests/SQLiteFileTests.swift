import FieldCore
import FieldStore
import FieldWire
import Foundation
import GRDB
import Sodium
import StoreFixtures
import Testing

/// What the file of a store goes through.
@Suite struct SQLiteFileTests {
  let workspace: TestWorkspace
  let folder: TemporaryFolder
  let device: SigningKeyPair

  init() throws {
    workspace = try TestWorkspace()
    folder = try TemporaryFolder()
    device = try TestWorkspace.device(2)
  }

  private func open(
    _ options: SQLiteStore.Options = SQLiteStore.Options(), name: String = "store"
  ) throws -> SQLiteStore {
    try SQLiteStore(path: folder.path(name), workspace: workspace.id, options: options)
  }

  private func openFilled(_ options: SQLiteStore.Options = SQLiteStore.Options()) async throws -> SQLiteStore {
    let store = try open(options)
    let directory = try workspace.directory(granting: [(device, .member)])
    #expect(try await store.put(directory) == [.stored, .stored])
    return store
  }

  @Test func theFileIsItsOwnersAlone() async throws {
    let store = try await openFilled()
    _ = try await store.append([.text("secret")], signedBy: device)
    for name in ["store", "store-wal", "store-shm"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
  }

  @Test func whatWasWrittenIsThereAfterARestart() async throws {
    let store = try await openFilled()
    let written = try await store.append((0..<50).map { .text("\($0)") }, signedBy: device)
    let (head, databases) = (try await store.head(), try await store.databases())
    try await store.close()
    let second = try open()
    #expect(try await second.head() == head)
    #expect(try await second.databases() == databases)
    #expect(try await second.entries(written.map(\.id)) == written.map(\.entry))
    #expect(try await second.verify() == [])
  }

  @Test func anotherWorkspaceIsRefused() async throws {
    let store = try await openFilled()
    let path = folder.path("store")
    let other = try TestWorkspace(number: 9)
    #expect(throws: StoreError(.otherWorkspace, "")) { try SQLiteStore(path: path, workspace: other.id) }
    #expect(try await store.head().entryCount == 2)
  }

  @Test func aNewerSchemaIsRefused() async throws {
    try await openFilled().close()
    let queue = try DatabaseQueue(path: folder.path("store"))
    try await queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
    try queue.close()
    #expect(throws: StoreError(.newerVersion, "")) { try open() }
  }

  @Test func filesOfOtherKindsAreRefused() async throws {
    var random = SystemRandomNumberGenerator()
    let noise = Data((0..<9000).map { _ in UInt8.random(in: 0...255, using: &random) })
    try noise.write(to: URL(fileURLWithPath: folder.path("noise")))
    #expect(throws: StoreError(.damaged, "")) { try open(name: "noise") }
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("noise"))) == noise)

    let queue = try DatabaseQueue(path: folder.path("other"))
    try await queue.write { try $0.execute(sql: "CREATE TABLE recipe (name TEXT)") }
    try queue.close()
    #expect(throws: StoreError(.damaged, "")) { try open(name: "other") }
    #expect(throws: StoreError(.cannotWrite, "")) { try open(name: "no such folder/store") }
  }

  @Test func callsAfterCloseAreRefused() async throws {
    let store = try await openFilled()
    var changes = store.changes().makeAsyncIterator()
    #expect(await changes.next() != nil)
    try await store.close()
    try await store.close()
    #expect(await changes.next() == nil)
    let closed = StoreError(.closed, "")
    await #expect(throws: closed) { try await store.head() }
    await #expect(throws: closed) { try await store.put([workspace.founding.entry]) }
    await #expect(throws: closed) { try await store.append([.text("late")], signedBy: device) }
    var late = store.changes().makeAsyncIterator()
    #expect(await late.next() == nil)
  }

  @Test func aWriterThatNeverEndsIsToldAsBusy() async throws {
    let store = try await openFilled(SQLiteStore.Options(busyTimeout: .milliseconds(50)))
    let head = try await store.head()
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let queue = try DatabaseQueue(path: folder.path("store"), configuration: configuration)
    try await queue.writeWithoutTransaction { try $0.beginTransaction(.immediate) }
    await #expect(throws: StoreError(.busy, "")) { try await store.append([.text("waits")], signedBy: device) }
    #expect(try await store.head() == head, "readers do not wait")
    try await queue.writeWithoutTransaction { try $0.rollback() }
    #expect(try await store.append([.text("goes on")], signedBy: device).count == 1)
    #expect(try await store.verify() == [])
  }

  @Test func aFullDiskChangesNothing() async throws {
    let small = SQLiteStore.Options(maximumByteCount: 400 << 10)
    let store = try await openFilled(small)
    let device = device
    let large = String(repeating: "f", count: 40_000)
    var written: [VerifiedEntry] = []
    var error: StoreError?
    for number in 0..<100 where error == nil {
      do {
        written += try await store.append([.text("\(number)" + large), .text("b\(number)" + large)], signedBy: device)
      } catch let thrown {
        error = thrown
      }
    }
    #expect(error == StoreError(.cannotWrite, ""))
    #expect(!written.isEmpty)
    let head = try await store.head()
    #expect(head.entryCount == UInt64(2 + written.count))
    await #expect(throws: StoreError(.cannotWrite, "")) {
      try await store.append([.text("x" + large), .text("y" + large)], signedBy: device)
    }
    #expect(try await store.head() == head)
    #expect(try await store.verify() == [])
    // The directory that a failed transaction saw is not believed.
    var admin = try TestAuthor(workspace.founder, in: workspace)
    _ = try admin.grant(device, .member)
    let third = try TestWorkspace.device(3)
    var member = try TestAuthor(third, in: workspace)
    let tooMuch = try [try admin.grant(third, .member).entry] + (0..<4).map { try member.write("m\($0)" + large).entry }
    await #expect(throws: StoreError(.cannotWrite, "")) { try await store.put(tooMuch) }
    #expect(try await store.directory().role(of: try third.key) == nil)
    #expect(try await store.put([tooMuch[1]]) == [.refused(.unknownAuthor)])

    try await store.close()
    let roomy = try open()
    #expect(try await roomy.head() == head)
    let next = try await roomy.append([.text("x" + large)], signedBy: device)
    #expect(next[0].header.sequence == UInt64(written.count) + 1)
    #expect(try await roomy.verify() == [])
  }

  @Test func aNewEpochMakesOldCursorsMeanNothing() async throws {
    let store = try await openFilled()
    let head = try await store.head()
    try await store.beginEpoch()
    let renewed = try await store.head()
    #expect(renewed.epoch != head.epoch && renewed.digest == head.digest)
    #expect(try await store.scan(since: head.cursor, limit: 10, filter: EntryFilter()).listings.count == 2)
  }

  @Test func otherStoresOnTheFileAreHeardOf() async throws {
    let first = try await openFilled(SQLiteStore.Options(pollInterval: .milliseconds(2)))
    let second = try open()
    var changes = first.changes().makeAsyncIterator()
    let start = try #require(await changes.next())
    #expect(start.entryCount == 2)
    for count in 3...6 as ClosedRange<UInt64> {
      _ = try await second.append([.text("\(count)")], signedBy: device)
      let head = await changes.next()
      #expect(head?.entryCount == count)
    }
    // What one store's directory says, the other's says too.
    var admin = try TestAuthor(workspace.founder, in: workspace)
    _ = try admin.grant(device, .member)
    #expect(try await second.put([try admin.revoke(device).entry]) == [.stored])
    #expect(try await first.directory().isRevoked(try device.key))
    await #expect(throws: StoreError(.refused, "")) { try await first.append([.text("no")], signedBy: device) }
  }

  @Test func aCancelledCallerLosesNothing() async throws {
    let store = try await openFilled()
    let device = device
    let task = Task { try await store.append([.text("written all the same")], signedBy: device) }
    task.cancel()
    let written = try await task.value
    #expect(try await store.entries(written.map(\.id)) == written.map(\.entry))
  }

  /// A pass over all ids reads a tenth of the file: the index of the ids, and none of the entries.
  @Test func aPassOverAllIDsReadsTheirIndexAlone() throws {
    _ = try SQLiteStore(path: folder.path("store"), workspace: workspace.id)
    let plan = try DatabaseQueue(path: folder.path("store")).read { database in
      try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN SELECT id, arrival FROM entry").map { row -> String in
        row["detail"]
      }
    }
    #expect(plan.count == 1 && plan[0].contains("COVERING INDEX"), "\(plan)")
  }
}
