import FieldCore
import FieldStore
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// What every store on this machine does besides.
@Suite struct LocalStoreTests {
  let workspace: TestWorkspace
  let device: SigningKeyPair
  var admin: TestAuthor

  init() throws {
    workspace = try TestWorkspace()
    device = try TestWorkspace.device(2)
    admin = try TestAuthor(workspace.founder, in: workspace)
  }

  private mutating func make(_ factory: StoreFactory) async throws -> StoreUnderTest {
    let made = try await factory.make(workspace.id)
    try await made.fill([workspace.founding, try admin.grant(device, .member)])
    return made
  }

  @Test(arguments: StoreFactory.all)
  mutating func draftsBecomeAChain(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let first = try await made.local.append([.text("a"), .text("b", in: .number(2)), .text("c")], signedBy: device)
    #expect(first.map(\.header.sequence) == [1, 1, 2])
    #expect(first.map(\.header.previous) == [.zero, .zero, first[0].id])
    #expect(try await made.local.entries(first.map(\.id)) == first.map(\.entry))
    for entry in first { #expect(try VerifiedEntry(verifying: entry.entry, in: workspace.id) == entry) }

    // The end of the chain is remembered even where its entry is gone.
    #expect(try await made.local.purge(document: .number(1), in: .number(1)) == 2)
    let reopened = try await made.reopen()
    let next = try await reopened.append([.text("d", to: .number(3))], signedBy: device)
    #expect(next[0].header.sequence == 3 && next[0].header.previous == first[2].id)
    #expect(try await reopened.append([], signedBy: device) == [])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func entriesAreListedInTheOrderOfTheirArrival(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try await made.local.append((0..<20).map { .text("\($0)") }, signedBy: device)
    let listed = try await made.local.scan(since: nil, limit: 100, filter: EntryFilter()).listings
    let unknown = EntryID(words: (1, 2, 3, 4))
    let ids = written.map(\.id)
    #expect(try await made.local.listings(of: ids.sorted() + [unknown]) == listed.filter { ids.contains($0.id) })
    #expect(try await made.local.listings(of: []) == [])
    let tooMany = Array(repeating: unknown, count: StoreLimits.idCount + 1)
    await #expect(throws: StoreError(.tooLarge, "1001 ids in one call, over 1000")) {
      try await made.local.listings(of: tooMany)
    }
  }

  @Test(arguments: StoreFactory.all)
  mutating func aChainGoesOnBehindReceivedEntries(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    var elsewhere = try TestAuthor(device, in: workspace)
    let written = try (0..<4).map { try elsewhere.write("\($0)") }
    // Restored from a peer, out of order.
    try await made.fill([written[3], written[1], written[0], written[2]])
    let next = try await made.local.append([.text("next")], signedBy: device)
    #expect(next[0].header.sequence == 5 && next[0].header.previous == written[3].id)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func nothingIsAppendedWhenOneDraftIsRefused(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let head = try await made.local.head()
    let bad = EntryDraft(kind: .documentChange, database: .number(1), document: .zero, keyEpoch: 1, payload: [])
    let huge = EntryDraft.text(String(repeating: "h", count: EntryLimits.payloadByteCount + 1))
    let (local, device, stranger) = (made.local, device, try TestWorkspace.device(5))
    await #expect(throws: StoreError(.refused, "")) { try await local.append([.text("a"), bad], signedBy: device) }
    await #expect(throws: StoreError(.tooLarge, "")) { try await local.append([huge], signedBy: device) }
    await #expect(throws: StoreError(.refused, "")) { try await local.append([.text("a")], signedBy: stranger) }
    // A member grants nobody anything.
    let grant = EntryDraft(
      directory: .grant(device: try stranger.key, role: .member, epoch: 1, sealedKeys: [], sealedName: []))
    await #expect(throws: StoreError(.refused, "")) { try await local.append([.text("a"), grant], signedBy: device) }
    #expect(try await local.head() == head)
    let next = try await local.append([.text("first")], signedBy: device)
    #expect(next[0].header.sequence == 1)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aDirectoryIsReadFromTheBottomInAnyOrder(_ factory: StoreFactory) async throws {
    let made = try await factory.make(workspace.id)
    let second = try TestWorkspace.device(3)
    var secondAdmin = try TestAuthor(second, in: workspace)
    let third = try TestWorkspace.device(4)
    var author = try TestAuthor(third, in: workspace)
    let grants = [try admin.grant(second, .admin), try secondAdmin.grant(third, .member)]
    let change = try author.write("by a member whose grants come behind it")

    // Without the founding entry nobody is anybody.
    #expect(try await made.store.put([change.entry]) == [.refused(.unknownAuthor)])
    #expect(try await made.store.put([grants[0].entry]) == [.refused(.unknownAuthor)])
    let batch = [change, grants[1], grants[0], workspace.founding].map(\.entry)
    #expect(try await made.store.put(batch) == [.stored, .stored, .stored, .stored])
    let listed = try await made.allListings().map(\.kind)
    #expect(listed == [.directory, .directory, .directory, .documentChange])

    let reopened = try await made.reopen()
    let directory = try await reopened.directory()
    #expect(directory.role(of: try third.key) == .member)
    #expect(directory.role(of: try second.key) == .admin)
    #expect(directory.operationCount == 3)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aRevokedDeviceKeepsWhatItWroteBefore(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    var author = try TestAuthor(device, in: workspace)
    let written = try (0..<4).map { try author.write("\($0)") }
    try await made.fill([written[0]])
    try await made.fill([try admin.revoke(device, keeping: [.number(1): 2])])
    #expect(
      try await made.store.put(written.map(\.entry))
        == [.duplicate, .stored, .refused(.revokedAuthor), .refused(.revokedAuthor)])
    #expect(try await made.store.put([try author.write("x", in: .number(2)).entry]) == [.refused(.revokedAuthor)])
    let (local, device) = (made.local, device)
    await #expect(throws: StoreError(.refused, "")) { try await local.append([.text("more")], signedBy: device) }
    #expect(try await local.directory().role(of: try device.key) == nil)
    // Another grant does not bring it back.
    try await made.fill([try admin.grant(device, .admin)])
    #expect(try await local.directory().role(of: try device.key) == nil)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func peersAreRemembered(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let peer = try device.key
    #expect(try await made.local.peerRecord(of: peer) == nil)
    try await made.local.setPeerRecord(PeerRecord(), of: peer)
    #expect(try await made.local.peerRecord(of: peer) == PeerRecord())
    let cursor = StoreCursor(epoch: StoreEpoch(rawValue: .max - 1), arrival: 77)
    try await made.local.setPeerRecord(PeerRecord(pulledThrough: cursor), of: peer)
    let reopened = try await made.reopen()
    #expect(try await reopened.peerRecord(of: peer)?.pulledThrough == cursor)
    #expect(try await reopened.peerRecord(of: admin.key) == nil)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func basesAreRemembered(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let peer = try device.key
    #expect(try await made.local.bases(with: peer) == [])
    var added: [BaseRecord] = []
    for number in 1...4 {
      _ = try await made.local.append([.text("\(number)", to: .number(UInt64(number)))], signedBy: device)
      let cursor = StoreCursor(epoch: StoreEpoch(rawValue: .max - 1), arrival: UInt64(number))
      added.append(BaseRecord(head: try await made.local.head(), peer: cursor))
      try await made.local.addBase(added[number - 1], with: peer)
    }
    // The same set again takes the place of the older record.
    added[3].peer.arrival = 99
    try await made.local.addBase(added[3], with: peer)
    #expect(try await made.local.bases(with: peer) == [added[3], added[2]])
    #expect(try await made.local.bases(with: admin.key) == [])
    // A purge changes what is here now, not what was shared then.
    #expect(try await made.local.purge(document: .number(1), in: .number(1)) == 1)
    let reopened = try await made.reopen()
    #expect(try await reopened.bases(with: peer) == [added[3], added[2]])
    let scope = ArrivalScope(after: added[2].own.arrival, through: try await reopened.head().arrival)
    #expect(try await reopened.count(in: scope) == 1)
    if let onDisk = reopened as? SQLiteStore {
      try await onDisk.beginEpoch()
      #expect(try await onDisk.bases(with: peer) == [], "arrivals of another epoch mean nothing")
    }
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aPassGoesOverTheScopeOnce(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    for start in 0..<8 {
      let drafts = (0..<300).map { EntryDraft.text("\($0)", to: .number(UInt64(start * 300 + $0 + 1))) }
      _ = try await made.local.append(drafts, signedBy: device)
    }
    _ = try await made.local.purge(document: .number(7), in: .number(1))
    let listings = try await made.allListings()
    for (after, through) in [(0, .max), (0, 1500), (1000, 2000), (2402, 9999), (5, 5)] as [(UInt64, UInt64)] {
      let scope = ArrivalScope(after: after, through: through)
      let pieces = try await made.local.pass(over: scope, into: [[EntryID]]()) { $0.append($1) }
      let ids = pieces.flatMap(\.self)
      let expected = listings.filter { $0.arrival > after && $0.arrival <= through }.map(\.id)
      #expect(ids.count == expected.count && Set(ids) == Set(expected), "\(scope)")
      #expect(pieces.allSatisfy { !$0.isEmpty && $0.count <= StoreLimits.passPieceCount })
      #expect(try await made.local.count(in: scope) == UInt64(expected.count))
    }
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func listenersHearOfEveryChange(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    var early = made.local.changes().makeAsyncIterator()
    #expect(try await early.next() == made.local.head())
    let written = try await made.local.append([.text("one")], signedBy: device)
    #expect(await early.next()?.entryCount == 3)
    #expect(try await made.local.purge(document: .number(1), in: .number(1)) == written.count)
    #expect(await early.next()?.entryCount == 2)

    // Who comes late, or reads late, gets the newest alone.
    for number in 0..<5 { _ = try await made.local.append([.text("\(number)", to: .number(2))], signedBy: device) }
    let head = try await made.local.head()
    var late = made.local.changes().makeAsyncIterator()
    #expect(await late.next() == head)
    while let seen = await early.next(), seen != head {}
    try await made.check()
  }
}
