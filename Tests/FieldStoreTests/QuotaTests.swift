import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Synchronization
import Testing

@testable import FieldStore

/// A relay's store within its bounds.
@Suite struct QuotaTests {
  private let folder: TemporaryFolder
  private let workspace: TestWorkspace
  private let store: SQLiteStore
  private let devices: [SigningKeyPair]
  private var authors: [TestAuthor]

  /// About what one entry of ``text(_:)`` takes.
  private static let entryByteCount: UInt64 = 1211

  init() async throws {
    folder = try TemporaryFolder()
    workspace = try TestWorkspace()
    store = try SQLiteStore(path: folder.path("store"), workspace: workspace.id)
    devices = try [2, 3].map { try TestWorkspace.device($0) }
    authors = try devices.map { [workspace] in try TestAuthor($0, in: workspace) }
    _ = try await store.put(workspace.directory(granting: devices.map { ($0, .member) }))
  }

  private func text(_ index: Int) -> String { "\(index) " + String(repeating: "x", count: 998) }

  private mutating func write(_ count: Int, by author: Int = 0) throws -> [VerifiedEntry] {
    try (0..<count).map { try authors[author].write(String(text($0).prefix(1000)), to: .number(UInt64($0))) }
  }

  private func bring(_ entries: [VerifiedEntry], from device: Int) async throws -> [PutOutcome] {
    try await store.put(
      entries.map(\.entry), from: EntrySource(device: authors[device].key, epoch: StoreEpoch(rawValue: 1)))
  }

  /// The device says that it holds all that is here.
  private func acknowledge(_ device: DeviceKey) async throws {
    let head = try await store.head()
    let peer = StoreCursor(epoch: StoreEpoch(rawValue: 1), arrival: 1)
    try await store.addBase(BaseRecord(head: head, peer: peer), with: device)
  }

  private func kept(_ entries: [VerifiedEntry]) async throws -> [Int] {
    let whole = try await store.entries(entries.map(\.id))
    return entries.indices.filter { index in whole.contains { $0 == entries[index].entry } }
  }

  @Test mutating func anAuthorAndAClientHaveTheirShareAndTheOthersHaveTheirs() async throws {
    try await store.setQuota(
      StoreQuota(
        totalByteCount: nil, authorByteCount: 3 * Self.entryByteCount, clientByteCount: 5 * Self.entryByteCount))
    let (mine, theirs) = (try write(5), try write(5, by: 1))
    #expect(
      try await bring(mine, from: 0) == Array(repeating: .stored, count: 3) + [
        .refused(.authorQuota), .refused(.authorQuota),
      ])
    // Two more of what this client may bring, whoever wrote them.
    #expect(try await bring(theirs, from: 0).count { $0 == .stored } == 2)
    #expect(
      try await bring(Array(theirs[2...]), from: 1) == [
        .stored, .refused(.authorQuota), .refused(.authorQuota),
      ])
    let usage = try await store.usage()
    #expect(usage.authors[authors[0].key]?.entryCount == 3 && usage.clients[authors[0].key]?.entryCount == 5)
    #expect(usage.clients[authors[0].key]?.byteCount == 5 * Self.entryByteCount)
    #expect(try await store.verify() == [])
    // The bounds are looked at in every process, and may be lifted.
    let other = try SQLiteStore(path: folder.path("store"), workspace: workspace.id)
    try await other.setQuota(nil)
    #expect(try await bring(Array(mine[3...]), from: 0) == [.stored, .stored])
  }

  @Test mutating func theOldestThatNobodyNeedsIsDroppedFirst() async throws {
    let head = try await store.usage().total.byteCount
    let quota = head + 10 * Self.entryByteCount
    try await store.setQuota(StoreQuota(totalByteCount: quota, authorByteCount: nil, clientByteCount: nil))
    let entries = try write(14)
    _ = try await bring(Array(entries[..<6]), from: 0)
    // The other member and the founder have all of these.
    try await acknowledge(authors[1].key)
    try await acknowledge(try workspace.founder.key)
    let digest = try await store.head().digest
    #expect(try await bring(Array(entries[6..<10]), from: 0) == Array(repeating: .stored, count: 4))
    #expect(try await kept(entries) == Array(0..<10))
    #expect(try await bring([entries[10]], from: 0) == [.stored])
    let left = try await kept(entries)
    #expect(left == Array((11 - left.count)..<11) && left.count >= 8, "the oldest went: \(left)")
    #expect(try await store.usage().droppedCount == UInt64(11 - left.count))
    #expect(try await store.usage().total.byteCount <= quota)
    // What was dropped still counts as here: nobody brings it again, and its content is not to be had.
    #expect(try await store.contained(entries[..<11].map(\.id)).count == 11)
    #expect(try await bring([entries[0]], from: 1) == [.duplicate])
    #expect(try await store.payload(of: entries[0].header.contentHash) == nil)
    #expect(try await store.head().digest != digest)
    #expect(try await store.verify() == [])
  }

  /// Without being told to, a relay loses nothing that may be nowhere else.
  @Test mutating func whatNobodyElseHasAcknowledgedStays() async throws {
    let head = try await store.usage().total.byteCount
    var quota = StoreQuota(
      totalByteCount: head + 4 * Self.entryByteCount, authorByteCount: nil, clientByteCount: nil)
    try await store.setQuota(quota)
    let entries = try write(6)
    #expect(
      try await bring(entries, from: 0) == Array(repeating: .stored, count: 4) + [
        .refused(.storeFull), .refused(.storeFull),
      ])
    // That its author has them is no comfort.
    try await acknowledge(authors[0].key)
    #expect(try await bring([entries[4]], from: 0) == [.refused(.storeFull)])
    #expect(try await kept(entries) == [0, 1, 2, 3])
    #expect(try await store.makeRoom(for: entries[4].header, from: nil) == .storeFull)
    // Somebody else has them, and somebody else again may still need them: they go when there is no other way.
    try await acknowledge(authors[1].key)
    #expect(try await bring([entries[4]], from: 0) == [.stored])
    #expect(try await kept(entries) == [2, 3, 4], "two payloads make room for one and its header")
    quota.dropsUnacknowledged = true
    try await store.setQuota(quota)
    let more = try write(12, by: 1)
    #expect(try await bring(more, from: 1).allSatisfy { $0 == .stored })
    #expect(try await store.verify() == [])
  }

  /// A relay that holds the same set may have dropped the payloads, because of this one's word.
  @Test mutating func thatAnotherRelayHasThemIsNoComfort() async throws {
    var admin = try TestAuthor(workspace.founder, in: workspace)
    for device in devices { _ = try admin.grant(device, .member) }
    let relay = try TestWorkspace.device(4)
    #expect(try await store.put([try admin.grant(relay, .relay).entry]) == [.stored])
    let head = try await store.usage().total.byteCount
    let entries = try write(5)
    try await store.setQuota(
      StoreQuota(totalByteCount: head + 4 * Self.entryByteCount, authorByteCount: nil, clientByteCount: nil))
    #expect(try await bring(Array(entries[..<4]), from: 0) == Array(repeating: .stored, count: 4))
    try await acknowledge(relay.key)
    #expect(try await bring([entries[4]], from: 0) == [.refused(.storeFull)])
    #expect(try await kept(entries) == [0, 1, 2, 3])
    try await acknowledge(authors[1].key)
    #expect(try await bring([entries[4]], from: 0) == [.stored])
  }

  enum Bound: CaseIterable {
    case total, author, client
  }

  /// With a member that acknowledges nothing, a lost phone, there is never anything that nobody needs any more.
  @Test(arguments: Bound.allCases)
  mutating func eachEntryIsLookedAtOnceAndNotForEachThatComes(_ bound: Bound) async throws {
    let head = try await store.usage().total.byteCount
    let limit = 40 * Self.entryByteCount
    try await store.setQuota(
      StoreQuota(
        totalByteCount: bound == .total ? head + limit : nil, authorByteCount: bound == .author ? limit : nil,
        clientByteCount: bound == .client ? limit : nil))
    let entries = try write(80)
    #expect(try await bring(Array(entries[..<40]), from: 0).allSatisfy { $0 == .stored })
    try await acknowledge(authors[1].key)
    for entry in entries[40..<60] { #expect(try await bring([entry], from: 0) == [.stored]) }
    // It goes on like that while what comes is acknowledged as it comes.
    for entry in entries[60...] {
      try await acknowledge(authors[1].key)
      #expect(try await bring([entry], from: 0) == [.stored])
    }
    #expect(try await store.usage().droppedCount > 40)
    let lookedAtCount = store.quotaProgress.withLock(\.lookedAtCount)
    #expect(lookedAtCount < UInt64(4 * entries.count), "\(lookedAtCount)")
    #expect(try await store.verify() == [])
  }

  @Test mutating func directoryEntriesAreNeitherRefusedNorDropped() async throws {
    try await store.setQuota(StoreQuota(totalByteCount: 1, authorByteCount: 1, clientByteCount: 1))
    var admin = try TestAuthor(workspace.founder, in: workspace)
    for device in devices { _ = try admin.grant(device, .member) }
    let grant = try admin.grant(try TestWorkspace.device(9), .member)
    #expect(try await bring([grant], from: 0) == [.stored])
    let refused = try await bring(write(1), from: 0)
    #expect(refused == [.refused(.authorQuota)])
    #expect(try await store.directory().role(of: TestWorkspace.device(9).key) == .member)
  }

  /// One payload under two entries is there until both have lost it.
  @Test mutating func sharedPayloadsGoWithTheLastEntry() async throws {
    let twins = try (0..<2).map { index in
      try authors[index].write(text(1), kind: .blobChunk)
    }
    for (index, twin) in twins.enumerated() { _ = try await bring([twin], from: index) }
    try await acknowledge(authors[0].key)
    try await acknowledge(authors[1].key)
    try await acknowledge(try workspace.founder.key)
    let used = try await store.usage().total.byteCount
    try await store.setQuota(StoreQuota(totalByteCount: used, authorByteCount: nil, clientByteCount: nil))
    _ = try await store.makeRoom(for: twins[0].header, from: nil)
    #expect(try await store.verify() == [])
    #expect(try await store.usage().droppedCount >= 1)
    let isLeft = try await store.payload(of: twins[0].header.contentHash) != nil
    #expect(isLeft == (try await !store.entries(twins.map(\.id)).isEmpty))
  }
}
