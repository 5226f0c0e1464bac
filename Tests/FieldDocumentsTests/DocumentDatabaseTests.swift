import FieldCore
import FieldWire
import Sodium
import Testing

@testable import FieldDocuments

struct DocumentDatabaseTests {
  @Test func putsGetsAndLists() async throws {
    let database = try await TestWorkspace().founder.database()
    #expect(try await database.get("a") == nil)
    try await database.put("a", set: ["x": .integer(1), "y": .text("t")])
    try await database.put("a", set: ["x": .integer(2)], remove: ["y"])
    try await database.put("b", set: [:])
    let document = try #require(try await database.get("a"))
    #expect(document.fields == ["x": .integer(2)])
    #expect(document.conflicts.isEmpty)
    #expect(try await database.documentNames() == ["a", "b"])
  }

  @Test func devicesComeToTheSameWhateverTheOrder() async throws {
    let workspace = try await TestWorkspace()
    let first = workspace.founder
    let second = try await workspace.member()
    try await first.database().put("d", set: ["f": .text("first"), "g": .null])
    try await second.database().put("d", set: ["f": .text("second")])
    try await first.pull(from: second)
    try await second.pull(from: first)
    let here = try #require(try await first.database().get("d"))
    #expect(try await second.database().get("d") == here)
    #expect(here.conflicts["f"]?.count == 1)
    #expect(Set([here.fields["f"], here.conflicts["f"]?.first]) == [.text("first"), .text("second")])

    try await second.database().put("d", set: ["f": .text("settled")])
    try await first.pull(from: second)
    #expect(try await first.database().get("d")?.fields["f"] == .text("settled"))
    #expect(try await first.database().get("d")?.conflicts.isEmpty == true)
  }

  @Test func deletedDocumentsStayAwayUntilTheyArePutAgain() async throws {
    let workspace = try await TestWorkspace()
    let first = workspace.founder
    let second = try await workspace.member()
    let database = try first.database()
    try await database.put("d", set: ["f": .integer(1)])
    try await second.pull(from: first)
    #expect(try await database.delete("d"))
    #expect(try await !database.delete("d"))
    #expect(try await !database.delete("never"))
    try await second.database().put("d", set: ["f": .integer(2)])
    try await first.pull(from: second)
    try await second.pull(from: first)
    for device in [first, second] {
      #expect(try await device.database().get("d")?.isDeleted == true)
      #expect(try await device.database().documentNames().isEmpty)
      #expect(try await device.database().documentNames(includingDeleted: true) == ["d"])
    }
    try await second.database().put("d", set: ["g": .integer(3)])
    try await first.pull(from: second)
    #expect(try await database.get("d")?.fields == ["g": .integer(3)])
    #expect(try await database.documentNames() == ["d"])
  }

  @Test func writersKeepTheirOrderAcrossBatches() async throws {
    let database = try await TestWorkspace().founder.database()
    var writer = database.writer()
    for round in 0..<3 {
      for document in 0..<300 { try await writer.put("d\(document)", set: ["round": .integer(Int64(round))]) }
    }
    try await writer.flush()
    for document in [0, 150, 299] {
      let found = try #require(try await database.get("d\(document)"))
      #expect(found.fields == ["round": .integer(2)])
      #expect(found.conflicts.isEmpty)
    }
    #expect(try await database.documentNames().count == 300)
    #expect(writer.storedEntryCount == 901)
  }

  @Test(arguments: [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071, 1_000_000])
  func attachmentsReadBackWhole(byteCount: Int) async throws {
    let database = try await TestWorkspace().founder.database()
    let bytes = SystemRandom.bytes(byteCount)
    var writer = database.writer()
    let attachment = try await writer.attach(name: "n", bytes: bytes)
    try await writer.put("d", set: ["f": .attachment(attachment)])
    try await writer.flush()
    let found = try #require(try await database.get("d")?.attachments.first)
    #expect(found == attachment)
    #expect(found.chunks.count == (byteCount + 65_534) / 65_535)
    #expect(try await database.read(found, in: 0..<byteCount) == bytes)
    for range in [
      0..<1, byteCount / 2..<byteCount / 2 + 70_000, byteCount - 1..<byteCount + 5, byteCount..<byteCount + 1,
    ]
    where range.lowerBound >= 0 {
      #expect(try await database.read(found, in: range) == Array(bytes[range.clamped(to: 0..<byteCount)]))
    }
  }

  @Test func shortReadsMakeTheSameChunks() async throws {
    let database = try await TestWorkspace().founder.database()
    let bytes = SystemRandom.bytes(200_000)
    var writer = database.writer()
    let whole = try await writer.attach(bytes: bytes)
    var rest = bytes[...]
    let dribbled = try await writer.attach { count in
      let piece = rest.prefix(min(count, 1000))
      rest = rest.dropFirst(piece.count)
      return Array(piece)
    }
    #expect(dribbled == whole)
  }

  @Test func equalChunksAreStoredOnce() async throws {
    let workspace = try await TestWorkspace()
    let database = try workspace.founder.database()
    let bytes = SystemRandom.bytes(200_000)
    for name in ["a", "b"] {
      var writer = database.writer()
      try await writer.put(name, set: ["f": .attachment(try await writer.attach(bytes: bytes))])
      try await writer.put(name + "2", set: ["f": .attachment(try await writer.attach(bytes: bytes))])
      try await writer.flush()
      #expect(writer.reusedChunkCount == (name == "a" ? 4 : 8))
    }
    let page = try await workspace.founder.store.scan(since: nil, limit: 100, filter: EntryFilter(kinds: [.blobChunk]))
    #expect(page.listings.count == 4)
  }

  @Test func theChangeDependsOnItsAttachmentsLastChunk() async throws {
    let workspace = try await TestWorkspace()
    let database = try workspace.founder.database()
    var writer = database.writer()
    let attachment = try await writer.attach(bytes: SystemRandom.bytes(100_000))
    try await writer.flush()
    try await writer.put("d", set: ["f": .attachment(attachment)])
    try await writer.flush()
    let history = try await database.history(of: "d")
    let change = try #require(try await workspace.founder.store.headers(history.heads).values.first)
    let last = try await workspace.founder.store.entry(
      withContent: try #require(attachment.chunks.last), in: database.id)
    #expect(change.dependencies == [last])
  }

  @Test func attachmentsThatAreNotHereSaySo() async throws {
    let workspace = try await TestWorkspace()
    let first = workspace.founder
    let second = try await workspace.member()
    let database = try first.database()
    var writer = database.writer()
    try await writer.put("d", set: ["f": .attachment(try await writer.attach(bytes: SystemRandom.bytes(100_000)))])
    try await writer.flush()
    let filter = EntryFilter(scope: .database(database.id), kinds: [.documentChange])
    let page = try await first.store.scan(since: nil, limit: 10, filter: filter)
    _ = try await second.store.put(try await first.store.entries(page.listings.map(\.id)))
    let attachment = try #require(try await second.database().get("d")?.attachments.first)
    await #expect(throws: DocumentError(.missingContent, "")) {
      try await second.database().read(attachment, in: 0..<1)
    }
    let report = try await second.database().checkReadable()
    #expect(report.missingChunkCount == 2)
    #expect(report.incompleteDocuments == ["d"])
    #expect(!report.isComplete)
    try await second.pull(from: first)
    #expect(try await second.database().checkReadable().isComplete)
  }

  /// What a device says it holds does not go with what another one wrote.
  @Test func anAttachmentStandsWhenAnotherWhoHadItIsRevoked() async throws {
    let workspace = try await TestWorkspace()
    let (other, device) = (try await workspace.member(), try await workspace.member())
    let bytes = SystemRandom.bytes(100_000)
    for (name, writing) in [("theirs", other), ("ours", device)] {
      try await device.pull(from: other)
      var writer = try writing.database().writer()
      try await writer.put(name, set: ["f": .attachment(try await writer.attach(bytes: bytes))])
      try await writer.flush()
    }
    try await workspace.revoke(other)
    try await device.pull(from: workspace.founder)
    let database = try device.database()
    #expect(try await database.get("theirs") == nil)
    let attachment = try #require(try await database.get("ours")?.attachments.first)
    #expect(try await database.read(attachment, in: 0..<bytes.count) == bytes)
    #expect(try await database.checkReadable().isComplete)
  }

  @Test func entriesThatCannotBeReadAreCountedAndPassedOver() async throws {
    let workspace = try await TestWorkspace()
    let device = workspace.founder
    let database = try device.database()
    try await database.put("d", set: ["f": .integer(1)])
    let document = NameHasher(key: try #require(device.keys.naming)).document(named: "d", in: database.id)
    let cipher = PayloadCipher(workspace: device.store.workspace, keyring: device.keys.keyring)
    let foreign = try ChangeRecord(name: "another", clock: 99, set: ["f": .integer(2)]).encoded
    var drafts = [
      EntryDraft(
        kind: .documentChange, database: database.id, document: document, keyEpoch: 1,
        payload: SystemRandom.bytes(100))
    ]
    for content in [[0xFF], foreign] as [[UInt8]] {
      let (payload, epoch) = try cipher.seal(content, kind: .documentChange, database: database.id, document: document)
      drafts.append(
        EntryDraft(
          kind: .documentChange, database: database.id, document: document, keyEpoch: epoch, payload: payload))
    }
    _ = try await device.store.append(drafts, signedBy: device.keyPair)
    let found = try #require(try await database.get("d"))
    #expect(found.fields == ["f": .integer(1)])
    #expect(found.unreadableEntryCount == 3)
    #expect(try await database.documentNames() == ["d"])
    #expect(try await database.checkReadable().unreadableEntryCount == 3)
    try await database.put("d", set: ["f": .integer(3)])
    #expect(try await database.get("d")?.fields == ["f": .integer(3)])
  }

  @Test func namesAreFoundWithTheKeysAlone() async throws {
    let workspace = try await TestWorkspace()
    let device = workspace.founder
    try await device.database("notes").put("d", set: [:])
    try await device.database("wells").put("d", set: [:])
    let names = try await DatabaseCatalog.names(in: device.store, keys: device.keys)
    #expect(Set(names.values) == ["notes", "wells"])
    let relay = try await DatabaseCatalog.names(in: device.store, keys: device.keys.withoutContent)
    #expect(relay.count == 2)
    #expect(relay.values.allSatisfy { $0 == nil })
    #expect(throws: DocumentError(.noContentKeys, "")) {
      try DocumentDatabase(
        name: "notes", store: device.store, keys: device.keys.withoutContent, keyPair: device.keyPair)
    }
  }

  @Test func namesHaveLimits() async throws {
    let device = try await TestWorkspace().founder
    #expect(throws: DocumentError(.invalidName, "")) { try device.database("") }
    let database = try device.database()
    await #expect(throws: DocumentError(.invalidName, "")) { try await database.put("", set: [:]) }
    await #expect(throws: DocumentError(.invalidName, "")) {
      try await database.put(String(repeating: "n", count: 4097), set: [:])
    }
    await #expect(throws: DocumentError(.tooLarge, "")) {
      try await database.put("d", set: ["f": .bytes(Array(repeating: 0, count: 1 << 20))])
    }
    #expect(try await database.documentNames().isEmpty)
  }

  @Test func namesThatLookAlikeAreDifferentDocuments() async throws {
    let database = try await TestWorkspace().founder.database()
    try await database.put("e\u{301}", set: ["f": .integer(1)])
    try await database.put("\u{E9}", set: ["f": .integer(2)])
    #expect(try await database.documentNames().map { Array($0.utf8) } == [[0x65, 0xCC, 0x81], [0xC3, 0xA9]])
  }

  @Test func manyConcurrentHeadsAreSettledByOneWrite() async throws {
    let workspace = try await TestWorkspace()
    let device = workspace.founder
    let database = try device.database()
    let document = NameHasher(key: try #require(device.keys.naming)).document(named: "d", in: database.id)
    let cipher = PayloadCipher(workspace: device.store.workspace, keyring: device.keys.keyring)
    var drafts: [EntryDraft] = []
    for number in 0..<(EntryLimits.dependencyCount + 10) {
      let record = try ChangeRecord(name: "d", clock: 1, set: ["f": .integer(Int64(number))])
      let (payload, epoch) = try cipher.seal(
        record.encoded, kind: .documentChange, database: database.id, document: document)
      drafts.append(
        EntryDraft(
          kind: .documentChange, database: database.id, document: document, keyEpoch: epoch, payload: payload))
    }
    _ = try await device.store.append(drafts, signedBy: device.keyPair)
    #expect(try await database.get("d")?.conflicts["f"]?.count == drafts.count - 1)
    try await database.put("d", set: ["f": .text("one")])
    #expect(try await database.get("d")?.fields["f"] == .text("one"))
    #expect(try await database.get("d")?.conflicts["f"]?.count == 10)
    try await database.put("d", set: ["f": .text("two")])
    #expect(try await database.get("d")?.conflicts.isEmpty == true)
  }
}
