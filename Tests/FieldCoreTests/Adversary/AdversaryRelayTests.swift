@testable import FieldCore
import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// A relay that reads, alters, drops, holds back, reorders, rolls back and shows different things to different people;
/// and a device that was revoked.
@Suite struct AdversaryRelayTests {
  @Test func adversaryRelayReadsNothing() throws {
    #expect(try Attacks.relayReads() == false)
  }

  /// What a relay sees of an entry is its header, and how long its payload is: these fields, and no other.
  @Test func adversaryRelayLearnsTheFieldsOfAHeader() async throws {
    let workspace = try TestWorkspace()
    let entry = try TestAuthor(workspace.founder, in: workspace).writing("text")
    #expect(Mirror(reflecting: entry).children.compactMap(\.label) == ["header", "signature", "payload"])
    #expect(
      Mirror(reflecting: entry.header).children.compactMap(\.label) == [
        "kind", "database", "document", "author", "sequence", "previous", "keyEpoch", "contentHash",
        "payloadByteCount", "dependencies",
      ])
    // Payloads of every size in a class look alike.
    let village = try await Village.make(memberCount: 0)
    let cipher = PayloadCipher(workspace: village.workspace, keyring: village.keys.keyring)
    let sizes = try (100...112).map { count in
      try cipher.seal(
        [UInt8](repeating: 1, count: count), kind: .documentChange, database: village.database, document: .number(1)
      ).payload.count
    }
    #expect(Set(sizes).count <= 3, "\(sizes)")
  }

  @Test func adversaryRelayAltersNoBitOfAnEntry() async throws {
    let workspace = try TestWorkspace()
    let entry = try TestAuthor(workspace.founder, in: workspace).writing("a short entry")
    let store = InMemoryStore(workspace: workspace.id)
    _ = try await store.put([workspace.founding.entry])
    let encoded = entry.encoded
    for position in encoded.indices {
      var altered = encoded
      altered[position] ^= 1
      var reader = WireReader(altered)
      guard let read = try? Entry(from: &reader), reader.isAtEnd else { continue }
      let outcome = try await store.put([read])
      #expect(outcome != [.stored], "byte \(position)")
    }
    #expect(try await store.put([entry]) == [.stored])
  }

  @Test func adversaryRelayForgesNothing() async throws {
    #expect(try await Attacks.alteredPayload() == false)
    #expect(try await Attacks.forgedEntry() == false)
    #expect(try await Attacks.strangersEntry() == false)
  }

  @Test func adversaryWithABorrowedWarrantIsNoMember() async throws {
    #expect(try await Attacks.borrowedWarrant() == false)
  }

  /// Whatever it drops is reported, and heals over another path.
  @Test func adversaryRelayThatDropsIsSeenAndHealed() async throws {
    var random = SeededRandom(seed: 4)
    for round in 0..<20 {
      let workspace = try TestWorkspace()
      var author = try TestAuthor(workspace.founder, in: workspace)
      let written = try (0..<12).map { try author.write("\($0)", to: .number(UInt64($0 % 3))) }
      let dropped = Set(written.dropLast().filter { _ in Bool.random(using: &random) }.map(\.id))
      let reader = InMemoryStore(workspace: workspace.id)
      _ = try await reader.put([workspace.founding.entry])
      _ = try await reader.put(written.filter { !dropped.contains($0.id) }.shuffled(using: &random).map(\.entry))
      let audit = try await reader.chainAudit()
      let counted = audit.gaps.reduce(0) { $0 + Int($1.before - $1.after) - 1 }
      #expect(counted == dropped.count, "round \(round)")
      #expect(audit.gaps.allSatisfy { dropped.contains($0.missing) } && audit.forks.isEmpty)
      // Another path, whatever it brings twice.
      _ = try await reader.put(written.shuffled(using: &random).map(\.entry))
      #expect(try await reader.chainAudit().gaps.isEmpty)
    }
  }

  /// What it shows to one and not to the other meets when the two do.
  @Test func adversaryRelayThatShowsTwoViewsIsFoundOutAtTheFirstMeeting() async throws {
    let village = try await Village.make(memberCount: 2)
    try await village.write(6, at: 0)
    let all = try await village.founder.store.scan(
      since: nil, limit: 100, filter: EntryFilter(kinds: [.documentChange])
    ).listings
    let entries = try await village.founder.store.entries(all.map(\.id))
    let (one, other) = (village.residents[1], village.residents[2])
    _ = try await one.store.put(Array(entries[..<2]) + [entries[5]])
    _ = try await other.store.put(Array(entries[2...4]))
    #expect(try await !one.store.chainAudit().gaps.isEmpty)
    let (outcome, _) = try await PeerSyncTests.sync(village, one, other)
    #expect(outcome.isInStep)
    #expect(try await one.store.chainAudit().gaps.isEmpty)
    #expect(try await other.store.chainAudit().gaps.isEmpty)
  }

  @Test func adversaryAuthorWithTwoEntriesInOnePlaceIsKeptAndShown() async throws {
    let workspace = try TestWorkspace()
    var author = try TestAuthor(workspace.founder, in: workspace)
    let first = try author.write("first")
    var twin = author
    let (here, there) = (try author.write("for some"), try twin.write("for others"))
    let stores = [InMemoryStore(workspace: workspace.id), InMemoryStore(workspace: workspace.id)]
    for (store, entry) in zip(stores, [here, there]) {
      _ = try await store.put([workspace.founding, first, entry].map(\.entry))
      #expect(try await store.chainAudit().forks.isEmpty)
    }
    _ = try await stores[0].pull(from: stores[1])
    _ = try await stores[1].pull(from: stores[0])
    for store in stores {
      let forks = try await store.chainAudit().forks
      #expect(forks.count == 1 && forks[0].sequence == 2 && forks[0].author == author.key)
      #expect(forks[0].entries == [here.id, there.id].sorted())
      #expect(try await store.head().entryCount == 4)
    }
  }

  @Test func adversaryRevokedDeviceIsRefusedAndSetAside() async throws {
    #expect(try await Attacks.entryAfterRevocation() == false)
    #expect(try await Attacks.entryBeforeTheNewsOfTheRevocation() == false)
    #expect(try Attacks.keyAfterRevocation() == false)
  }

  /// An honest relay that has not heard of the revocation delivers a thousand entries of the revoked device, among
  /// those of others.
  @Test func adversaryRevokedDeviceGetsNoneOfAThousandEntriesThroughARelay() async throws {
    let village = try await Village.make(memberCount: 3)
    let (admin, relay, revoked, reader) = (
      village.residents[0], village.residents[1], village.residents[2], village.residents[3]
    )
    try await village.write(1, at: 2)
    _ = try await PeerSyncTests.sync(village, revoked, admin)
    let revocation = try await admin.store.directory().revocation(
      of: revoked.device, lastSequences: try await admin.store.lastSequences(of: revoked.device))
    _ = try await admin.store.append([village.draft(revocation)], signedBy: admin.keyPair)
    _ = try await PeerSyncTests.sync(village, reader, admin)
    // The relay meets the revoked device, and another member whose entries it carries too.
    try await village.write(1000, at: 2)
    _ = try await PeerSyncTests.sync(village, revoked, relay)
    #expect(try await relay.store.head().entryCount > 1000)
    try await village.write(50, at: 1)

    let (outcome, _) = try await PeerSyncTests.sync(village, reader, relay)
    #expect(outcome.isInStep, "nothing else is held up: \(outcome)")
    for store in [reader.store, relay.store] {
      let own = try await store.scan(
        since: nil, limit: 1000, filter: EntryFilter(kinds: [.documentChange])
      ).listings
      let headers = try await store.headers(own.map(\.id))
      #expect(headers.values.count { $0.author == revoked.device } == 1, "what it wrote before")
      #expect(headers.values.count { $0.author == relay.device } == 50)
    }
    let (again, _) = try await PeerSyncTests.sync(village, relay, admin)
    #expect(again.isInStep)
    #expect(try await admin.store.head().digest == reader.store.head().digest)
  }
}
