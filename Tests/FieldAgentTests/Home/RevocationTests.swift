import FieldCore
import FieldDocuments
import FieldStore
import FieldWire
import Sodium
import Testing

@testable import FieldAgent

/// That nothing is written under a key which somebody holds who was put out.
struct RevocationTests {
  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private func founded() async throws -> OpenHome {
    try await Home(directory: temporary / "laptop", cost: .least).create(name: "laptop")
  }

  private func member(_ name: String, of admin: OpenHome, as role: DeviceRole = .member) async throws -> OpenHome {
    let home = Home(directory: temporary / name, cost: .least)
    let joining = try home.beginJoining(try admin.invite(role: role, lifetime: .seconds(60)), name: name)
    return try await home.finishJoining(try await admin.admit(joining.device, named: name, as: role))
  }

  private func bring(from: OpenHome, to: OpenHome) async throws {
    let page = try await from.store.scan(since: nil, limit: 1000, filter: EntryFilter())
    _ = try await to.store.put(try await from.store.entries(page.listings.map(\.id)))
  }

  private func newestEpoch(in home: OpenHome) async throws -> UInt32? {
    let filter = EntryFilter(kinds: [.documentChange, .blobChunk])
    let listings = try await home.store.scan(since: nil, limit: 1000, filter: filter).listings
    let headers = try await home.store.headers(listings.map(\.id))
    return listings.last.flatMap { headers[$0.id]?.keyEpoch }
  }

  /// A program opens its database once, and others revoke meanwhile.
  @Test func aDatabaseThatIsOpenWritesUnderTheNewKeys() async throws {
    let laptop = try await founded()
    let (tablet, thief) = (try await member("tablet", of: laptop), try await member("thief", of: laptop))
    let notes = try tablet.database(named: "notes")
    try await notes.put("before", set: ["text": .text("dry")])
    #expect(try await newestEpoch(in: tablet) == 1)
    #expect(try await laptop.revoke(thief.identity.device))
    let elsewhere = try laptop.database(named: "notes")
    try await elsewhere.put("from elsewhere", set: ["text": .text("wet")])
    try await bring(from: laptop, to: tablet)

    #expect(try await notes.documentNames() == ["before", "from elsewhere"])
    #expect(try await notes.get("from elsewhere")?.fields == ["text": .text("wet")])
    try await notes.put("after", set: ["text": .text("dry")])
    #expect(try await newestEpoch(in: tablet) == 2)
    try await bring(from: tablet, to: laptop)
    #expect(try await elsewhere.documentNames() == ["after", "before", "from elsewhere"])
    try await bring(from: tablet, to: thief)
    #expect(try await thief.database(named: "notes").get("after")?.fields.isEmpty ?? true)
  }

  @Test func aRelayThatIsPutOutIsNoPeerAnyMore() async throws {
    let laptop = try await founded()
    let relay = try await member("relay", of: laptop, as: .relay)
    #expect(try await laptop.revoke(relay.identity.device))
    #expect(try await laptop.currentKeys().presence != relay.keys.presence)
  }

  /// Whatever comes between the revocation and the new keys, doing it again brings them.
  @Test func aRevocationThatWasCutIsDoneAgain() async throws {
    let laptop = try await founded()
    let thief = try await member("thief", of: laptop)
    let directory = try await laptop.store.directory()
    let revocation = directory.revocation(of: thief.identity.device, lastSequences: [:])
    let draft = EntryDraft(
      kind: .directory, database: Directory.database, keyEpoch: 0, payload: revocation.encoded,
      dependencies: directory.credential(of: laptop.identity.device))
    _ = try await laptop.store.append([draft], signedBy: laptop.identity.keyPair)
    #expect(try await laptop.store.directory().currentEpoch == 1)
    #expect(try await laptop.revoke(thief.identity.device))
    #expect(try await laptop.store.directory().currentEpoch == 2)
    await #expect(throws: AgentError(.notFound, "")) { try await laptop.revoke(thief.identity.device) }
  }

  @Test func whoPutsItselfOutReplacesNoKeys() async throws {
    let laptop = try await founded()
    let desk = try await member("desk", of: laptop, as: .admin)
    #expect(try await laptop.revoke(laptop.identity.device) == false)
    try await bring(from: laptop, to: desk)
    #expect(try await desk.startEpochIfNeeded())
  }
}
