import FieldCore
import FieldWire
import SetReconciliation
import Sodium
import StoreFixtures
import Testing

/// What every store does with entries.
@Suite struct StoreContractTests {
  let workspace: TestWorkspace
  var author: TestAuthor
  var admin: TestAuthor

  init() throws {
    workspace = try TestWorkspace()
    author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    admin = try TestAuthor(workspace.founder, in: workspace)
  }

  /// A store in which the author is a member.
  private mutating func make(_ factory: StoreFactory) async throws -> StoreUnderTest {
    let made = try await factory.make(workspace.id)
    try await made.fill([workspace.founding, try admin.grant(author.keyPair, .member)])
    return made
  }

  @Test(arguments: StoreFactory.all)
  mutating func entriesComeBackAsTheyWere(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try (0..<20).map { try author.write("entry \($0)", to: .number(UInt64($0 % 3))) }
    try await made.fill(written)
    let ids = written.map(\.id)
    let unknown = EntryID.number(7)

    #expect(try await made.store.entries(ids) == written.map(\.entry))
    #expect(try await made.store.entries(ids.reversed()).map(\.encoded) == written.reversed().map(\.entry.encoded))
    #expect(try await made.store.entries([unknown]) == [])
    #expect(try await made.store.entries([unknown, ids[3], unknown, ids[1]]) == [written[3].entry, written[1].entry])
    #expect(try await made.store.entries([]) == [])
    #expect(
      try await made.store.headers([ids[0], unknown, ids[5]]) == [
        ids[0]: written[0].header, ids[5]: written[5].header,
      ])
    #expect(try await made.store.contained(ids + [unknown]) == Set(ids))
    #expect(try await made.store.contained([unknown]) == [])
    let listed = try await made.allListings().map(\.id)
    #expect(listed.count == 22 && Set(listed).count == 22)
    #expect(Set(listed).isSuperset(of: ids))
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func listingsSayWhatTheEntriesAre(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let change = try author.write("change", kind: .documentChange)
    let written = [
      change, try author.write("a snapshot", kind: .snapshot, after: [change.id]),
      try author.write("", kind: .blobChunk),
    ]
    try await made.fill(written)
    let listings = try await made.allListings().suffix(3)
    #expect(listings.map(\.id) == written.map(\.id))
    #expect(listings.map(\.kind) == [.documentChange, .snapshot, .blobChunk])
    #expect(listings.map(\.byteCount) == written.map(\.entry.encoded.count))
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func anEntryIsStoredOnce(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let entry = try author.write("once").entry
    #expect(try await made.store.put([entry, entry]) == [.stored, .duplicate])
    let head = try await made.store.head()
    #expect(try await made.store.put([entry]) == [.duplicate])
    #expect(try await made.store.head() == head)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func otherBytesUnderTheSameIDLeaveTheFirstAlone(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try author.write("the first")
    try await made.fill([written])
    var forged = written.entry
    forged.payload = Array("the other".utf8)
    #expect(try await made.store.put([forged]) == [.refused(.contentMismatch)])
    forged = written.entry
    forged.signature[10] ^= 1
    #expect(try await made.store.put([forged]) == [.refused(.badSignature)])
    #expect(try await made.store.entries([written.id]) == [written.entry])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aFalsePayloadCannotHarmTheHonestEntryLater(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let honest = try author.write("honest words")
    var poisoned = honest.entry
    poisoned.payload = Array("poison words".utf8)
    #expect(try await made.store.put([poisoned]) == [.refused(.contentMismatch)])
    #expect(try await made.store.contained([honest.id]) == [])
    #expect(try await made.local.entry(withContent: honest.header.contentHash, in: .number(1)) == nil)

    // The same by somebody whose signature is good: a header that names another's content hash.
    var header = honest.header
    header.sequence = 9
    header.previous = .number(4)
    let signed = Entry(signing: header, payload: poisoned.payload, with: author.keyPair, in: workspace.id)
    #expect(try await made.store.put([signed, honest.entry]) == [.refused(.contentMismatch), .stored])
    #expect(try await made.store.entries([honest.id]) == [honest.entry])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func equalPayloadsGoWithTheLastEntryThatNeedsThem(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let first = try author.write("shared", to: .number(1))
    let second = try author.write("shared", to: .number(2))
    #expect(first.header.contentHash == second.header.contentHash && first.id != second.id)
    try await made.fill([first, second])
    let hash = first.header.contentHash
    #expect(try await made.store.entries([first.id, second.id]) == [first.entry, second.entry])
    #expect(try await made.local.entry(withContent: hash, in: .number(1)) == first.id)

    #expect(try await made.store.purge(document: .number(1), in: .number(1)) == 1)
    #expect(try await made.store.entries([first.id, second.id]) == [second.entry])
    #expect(try await made.local.entry(withContent: hash, in: .number(1)) == second.id)
    try await made.check()

    #expect(try await made.store.purge(document: .number(2), in: .number(1)) == 1)
    #expect(try await made.store.entries([first.id, second.id]) == [])
    #expect(try await made.local.entry(withContent: hash, in: .number(1)) == nil)
    try await made.check()

    let third = try author.write("shared", to: .number(3))
    try await made.fill([third])
    #expect(try await made.store.entries([third.id]) == [third.entry])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func contentIsFoundInItsDatabaseAlone(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let here = try author.write("chunk", in: .number(1), kind: .blobChunk)
    try await made.fill([here])
    #expect(try await made.local.entry(withContent: here.header.contentHash, in: .number(1)) == here.id)
    #expect(try await made.local.entry(withContent: here.header.contentHash, in: .number(2)) == nil)
    let there = try author.write("chunk", in: .number(2), kind: .blobChunk)
    try await made.fill([there])
    #expect(try await made.local.entry(withContent: here.header.contentHash, in: .number(2)) == there.id)
    let hash = here.header.contentHash
    #expect(try await made.local.entry(withContent: hash, in: .number(1), by: author.key) == here.id)
    #expect(try await made.local.entry(withContent: hash, in: .number(1), by: workspace.founder.key) == nil)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func databasesAreApart(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let one = try (0..<4).map { try author.write("one \($0)", to: .number(5), in: .number(1)) }
    let two = try (0..<3).map { try author.write("two \($0)", to: .number(5), in: .number(2)) }
    try await made.fill(zip(one, two).flatMap { [$0, $1] } + [one[3]])
    #expect(try await made.allListings(filter: EntryFilter(scope: .database(.number(1)))).map(\.id) == one.map(\.id))
    #expect(try await made.allListings(filter: EntryFilter(scope: .database(.number(2)))).map(\.id) == two.map(\.id))
    #expect(try await made.allListings(filter: EntryFilter(scope: .database(.number(3)))) == [])
    let before = try await made.local.databases()
    #expect(before.mapValues(\.entryCount) == [Directory.database: 2, .number(1): 4, .number(2): 3])

    #expect(try await made.store.purge(document: .number(5), in: .number(1)) == 4)
    let after = try await made.local.databases()
    #expect(after[.number(1)] == nil)
    #expect(after[.number(2)] == before[.number(2)])
    #expect(try await made.store.entries(two.map(\.id)) == two.map(\.entry))
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func theDigestIsThatOfTheSet(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let other = try await factory.make(workspace.id)
    let empty = try await other.store.head()
    #expect(empty.entryCount == 0 && empty.arrival == 0 && empty.digest == SetDigest().value)
    let written = try (0..<30).map {
      try author.write("\($0)", to: .number(UInt64($0)), in: .number(UInt64($0 % 2 + 1)))
    }
    try await made.fill(written)
    let listed = try await made.allListings()
    let entries = try await made.store.entries(listed.map(\.id))
    // In another order and in other batches.
    #expect(try await other.store.put([entries[1], entries[0]]) == [.stored, .stored])
    for entry in entries.dropFirst(2).reversed() { #expect(try await other.store.put([entry]) == [.stored]) }

    var digest = SetDigest()
    for listing in listed { digest.insert(listing.id) }
    let (head, otherHead) = (try await made.store.head(), try await other.store.head())
    #expect(head.digest == digest.value && otherHead.digest == digest.value)
    #expect(head.entryCount == 32 && otherHead.entryCount == 32)
    #expect(head.epoch != otherHead.epoch)
    #expect(try await made.local.databases().mapValues(\.digest) == other.local.databases().mapValues(\.digest))

    _ = try await made.store.purge(document: .number(4), in: .number(1))
    digest.remove(written[4].id)
    #expect(try await made.store.head().digest == digest.value)
    #expect(try await made.store.head().entryCount == 31)
    try await made.check()
    try await other.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aBadEntryOfEachKindLeavesTheRestAlone(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    var revoked = try TestAuthor(try TestWorkspace.device(3), in: workspace)
    var relay = try TestAuthor(try TestWorkspace.device(4), in: workspace)
    var stranger = try TestAuthor(try TestWorkspace.device(5), in: workspace)
    try await made.fill([try admin.grant(revoked.keyPair, .member), try admin.grant(relay.keyPair, .relay)])
    let early = try revoked.write("early")
    let known = try author.write("known")
    try await made.fill([early, known, try author.write("gone", to: .number(66))])
    _ = try await made.store.purge(document: .number(66), in: .number(1))

    let good = try (0..<3).map { try author.write("good \($0)") }
    var malformed = try author.write("one size").entry
    malformed.payload = Array("another size".utf8)
    var mismatched = try author.write("honest").entry
    mismatched.payload[0] ^= 1
    var unsigned = try author.write("signed").entry
    unsigned.signature[0] ^= 1
    let batch = [
      malformed, good[0].entry, mismatched, unsigned, try stranger.write("who").entry, try relay.write("carrier").entry,
      known.entry, try author.write("back", to: .number(66)).entry, good[1].entry,
      try admin.revoke(revoked.keyPair, keeping: [.number(1): 1]).entry, try revoked.write("late").entry, good[2].entry,
    ]
    #expect(
      try await made.store.put(batch) == [
        .refused(.malformed), .stored, .refused(.contentMismatch), .refused(.badSignature), .refused(.unknownAuthor),
        .refused(.unknownAuthor), .duplicate, .refused(.purged), .stored, .stored, .refused(.revokedAuthor), .stored,
      ])
    #expect(try await made.store.entries(good.map(\.id)) == good.map(\.entry))
    #expect(try await made.store.contained([early.id]) == [early.id])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func anotherWorkspacesEntriesAreRefused(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let other = try TestWorkspace(number: 9)
    var stranger = try TestAuthor(author.keyPair, in: other)
    #expect(
      try await made.store.put([other.founding.entry, try stranger.write("elsewhere").entry])
        == [.refused(.badSignature), .refused(.badSignature)])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func callsOverALimitAreRefused(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let ids = (0...UInt64(StoreLimits.idCount)).map { EntryID.number($0) }
    let tooLarge = StoreError(.tooLarge, "")
    await #expect(throws: tooLarge) { try await made.store.entries(ids) }
    await #expect(throws: tooLarge) { try await made.store.headers(ids) }
    await #expect(throws: tooLarge) { try await made.store.contained(ids) }
    await #expect(throws: tooLarge) {
      try await made.store.scan(since: nil, limit: StoreLimits.idCount + 1, filter: EntryFilter())
    }
    await #expect(throws: tooLarge) {
      try await made.store.dependencies(of: ids[0], stoppingAt: nil, maximumDepth: StoreLimits.dependencyDepth + 1)
    }
    let small = try author.write("small").entry
    await #expect(throws: tooLarge) {
      try await made.store.put(Array(repeating: small, count: StoreLimits.putEntryCount + 1))
    }
    let draft = EntryDraft.text("small")
    let keyPair = author.keyPair
    await #expect(throws: tooLarge) {
      try await made.local.append(Array(repeating: draft, count: StoreLimits.putEntryCount + 1), signedBy: keyPair)
    }
    let large = try (0..<4).map { number in
      try author.write("\(number)" + String(repeating: "y", count: StoreLimits.batchByteCount / 3)).entry
    }
    await #expect(throws: tooLarge) { try await made.store.put(large) }
    #expect(try await made.store.contained(Array(ids.dropLast())) == [])
    #expect(try await made.store.put([small]) == [.stored])
    #expect(try await made.store.head().entryCount == 3)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aFetchIsCutAtTheByteLimit(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let size = StoreLimits.batchByteCount / 3
    let written = try (0..<5).map { try author.write("\($0)" + String(repeating: "z", count: size)) }
    for entry in written { try await made.fill([entry]) }
    let largest = try author.write(String(repeating: "w", count: EntryLimits.payloadByteCount))
    try await made.fill([largest])

    let fetched = try await made.store.entries(written.map(\.id))
    #expect(!fetched.isEmpty && fetched.count < written.count)
    #expect(fetched == written.prefix(fetched.count).map(\.entry))
    #expect(fetched.reduce(0) { $0 + $1.encodedByteCount } <= StoreLimits.batchByteCount)
    #expect(try await made.store.entries([largest.id, written[0].id]) == [largest.entry])
    #expect(try await made.store.entries([written[0].id, largest.id]) == [written[0].entry])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aSummaryHoldsEveryEntryOfItsScope(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try (0..<200).map {
      try author.write("\($0)", to: .number(UInt64($0 % 4)), in: .number(UInt64($0 % 2 + 1)))
    }
    try await made.fill(written)
    let key = SummaryKey(words: (3, 4))
    let scopes: [EntryFilter.Scope] = [.workspace, .database(.number(1)), .document(.number(1), .number(2))]
    for scope in scopes {
      let summary = try await made.store.bloomSummary(of: scope, key: key, bitsPerEntry: 12)
      let inside = written.filter { EntryFilter(scope: scope).admits($0.header, id: $0.id) }
      #expect(inside.allSatisfy { summary.mayContain($0.id.words) })
      let outside = (0..<2000).filter { summary.mayContain(EntryID.number(UInt64($0) + 1 << 40).words) }.count
      #expect(outside < 40, "about 0.3 % false positives were asked for")
    }

    // What a peer's summary lacks is found: never something that it has, and all but its false positives.
    var summary = BloomSummary(entryCount: 100, bitsPerEntry: 12, key: key)
    for entry in written.prefix(100) { summary.insert(entry.id.words) }
    let found = try await made.allListings(filter: EntryFilter(kinds: [.documentChange], absentFrom: summary)).map(\.id)
    #expect(Set(found).isDisjoint(with: written.prefix(100).map(\.id)))
    #expect(Set(found).isSubset(of: written.suffix(100).map(\.id)))
    #expect(found.count >= 95)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func dependenciesComeOldestFirst(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let root = try author.write("root")
    let base = try author.write("base", kind: .snapshot, after: [root.id])
    let left = try author.write("left", after: [base.id])
    let right = try author.write("right", after: [base.id, .number(123)])
    let top = try author.write("top", after: [left.id, right.id])
    let tip = try author.write("tip", after: [top.id])
    // The dependants arrive first: the order asked for is not that of arrival.
    try await made.fill([tip, top, right, left, base, root])
    let depth = StoreLimits.dependencyDepth

    func walk(_ entry: VerifiedEntry, _ stop: EntryKind?, _ depth: Int) async throws -> [VerifiedEntry] {
      let ids = try await made.store.dependencies(of: entry.id, stoppingAt: stop, maximumDepth: depth)
      let all = [root, base, left, right, top, tip]
      return ids.compactMap { id in all.first { $0.id == id } }
    }
    let all = try await walk(tip, nil, depth)
    #expect(Set(all) == [root, base, left, right, top, tip] && all.count == 6)
    for (index, entry) in all.enumerated() {
      #expect(Set(all[..<index].map(\.id)).isSuperset(of: entry.header.dependencies.filter { $0 != .number(123) }))
    }
    #expect(all.last == tip)
    #expect(Set(try await walk(tip, .snapshot, depth)) == [base, left, right, top, tip])
    #expect(try await walk(tip, nil, 0) == [tip])
    #expect(try await walk(tip, nil, 1) == [top, tip])
    #expect(Set(try await walk(tip, nil, 2)) == [left, right, top, tip])
    #expect(try await walk(base, .snapshot, depth) == [base])
    #expect(try await made.store.dependencies(of: .number(5), stoppingAt: nil, maximumDepth: 9) == [])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aLongChainOfDependenciesIsWalked(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    var written: [VerifiedEntry] = []
    for number in 0..<900 { written.append(try author.write("\(number)", after: written.suffix(1).map(\.id))) }
    try await made.fill(written)
    let ids = try await made.store.dependencies(
      of: written[899].id, stoppingAt: nil, maximumDepth: StoreLimits.dependencyDepth)
    #expect(ids == written.map(\.id))
    let last = try await made.store.dependencies(of: written[899].id, stoppingAt: nil, maximumDepth: 9)
    #expect(last == written.suffix(10).map(\.id))
    try await made.check()
  }
}
