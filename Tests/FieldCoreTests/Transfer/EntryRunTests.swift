import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

@testable import FieldCore

@Suite struct EntryRunTests {
  private let workspace: TestWorkspace

  init() throws { workspace = try TestWorkspace() }

  private func messages(of entries: [Entry]) -> [Message] {
    var encoder = EntryEncoder(workspace: workspace.id)
    return entries.map { encoder.message($0) }
  }

  private func decoded(_ messages: [Message]) throws -> [Entry] {
    var decoder = EntryDecoder(workspace: workspace.id)
    return try messages.map { try decoder.decodeWhole($0) }
  }

  /// Changes of some documents in turn, each depending on the last one of its document.
  private func run(_ count: Int, documentCount: Int, payloadByteCount: Int) throws -> [Entry] {
    var author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    var random = SeededRandom(seed: 1)
    var heads: [DocumentID: EntryID] = [:]
    return try (0..<count).map { number in
      let document = DocumentID(words: (7, UInt64(number % documentCount)))
      let draft = EntryDraft(
        kind: .documentChange, database: .number(1), document: document, keyEpoch: 3,
        payload: random.bytes(payloadByteCount), dependencies: heads[document].map { [$0] } ?? [])
      let entry = try author.sign(draft)
      heads[document] = entry.id
      return entry.entry
    }
  }

  @Test(arguments: [1, 7, 500, 1000])
  func anEntryOfARunCostsAtMost96BytesBesideItsPayload(documentCount: Int) throws {
    let entries = try run(1000, documentCount: documentCount, payloadByteCount: 300)
    let messages = messages(of: entries)
    let costs = messages.map { $0.framed.count - 300 }
    // The first one says what all of the run have in common.
    #expect(costs[0] <= 147 + 64 + 8)
    #expect(costs.dropFirst().allSatisfy { $0 <= 96 }, "\(costs.dropFirst().max() ?? 0)")
    #expect(costs.reduce(0, +) <= 96 * 1000)
    if documentCount == 1 { #expect(costs.dropFirst().allSatisfy { $0 <= 71 }) }
    #expect(try decoded(messages) == entries)
  }

  /// Authors, databases, kinds, epochs and dependencies in any mixture, with gaps in the chains.
  private func mixture(seed: UInt64, count: Int) throws -> [Entry] {
    var random = SeededRandom(seed: seed)
    var authors = try (0..<5).map { try TestAuthor(try TestWorkspace.device(10 + $0), in: workspace) }
    var written: [VerifiedEntry] = []
    var sent: [Entry] = []
    while sent.count < count {
      let kind = EntryKind.allCases.randomElement(using: &random) ?? .documentChange
      let known = written.suffix(300).map(\.id) + [EntryID(words: (random.next(), 1, 2, 3))]
      let dependencies = (0..<Int.random(in: 0...3, using: &random))
        .compactMap { _ in known.randomElement(using: &random) }
      let isDirectory = kind == .directory
      let draft = EntryDraft(
        kind: kind, database: isDirectory ? Directory.database : .number(UInt64.random(in: 1...3, using: &random)),
        document: isDirectory || kind == .blobChunk ? .zero : .number(UInt64.random(in: 1...9, using: &random)),
        keyEpoch: isDirectory ? 0 : UInt32.random(in: 1...2, using: &random),
        payload: random.bytes(Int.random(in: 0...200, using: &random)),
        dependencies: random.chance(0.3) ? written.suffix(1).map(\.id) : dependencies)
      let index = random.chance(0.5) ? 0 : Int.random(in: 0..<authors.count, using: &random)
      let entry = try authors[index].sign(draft)
      written.append(entry)
      if random.chance(0.9) { sent.append(entry.entry) }
      if random.chance(0.02), let old = written.randomElement(using: &random) { sent.append(old.entry) }
    }
    return sent
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func anyEntriesComeBack(seed: UInt64) throws {
    let entries = try mixture(seed: seed, count: 400)
    let messages = messages(of: entries)
    #expect(try decoded(messages) == entries)
    for (message, entry) in zip(messages, entries) {
      #expect(message.body.count <= entry.encodedByteCount + 24)
    }
  }

  @Test func headsComeBackAndAreChecked() throws {
    let entries = try mixture(seed: 5, count: 60)
    var encoder = EntryEncoder(workspace: workspace.id)
    var decoder = EntryDecoder(workspace: workspace.id)
    for (index, entry) in entries.enumerated() {
      let message = index % 2 == 0 ? encoder.message(head: entry) : encoder.message(entry)
      let head = EntryHead(header: entry.header, signature: entry.signature)
      #expect(try decoder.decode(message) == (index % 2 == 0 ? .head(head) : .whole(entry)))
      #expect(try head.verified(in: workspace.id) == entry.header.id(in: workspace.id))
      var forged = head
      forged.header.contentHash = .zero
      #expect(throws: EntryError(.badSignature, "")) { try forged.verified(in: workspace.id) }
    }
  }

  @Test func fullTablesStayInStep() throws {
    var entries: [Entry] = []
    let keyPair = try TestWorkspace.device(2)
    // More chains, documents and entries than are kept, each used again, by an author who never signs.
    for round in 0..<2 {
      for number in 0..<UInt64(EntryRunState.entryLimit + 100) {
        let header = EntryHeader(
          kind: .documentChange, database: .number(number % 90), document: .number(number), author: try keyPair.key,
          sequence: UInt64(round) + 1, previous: round == 0 ? .zero : EntryID(words: (1, 2, 3, number)), keyEpoch: 1,
          contentHash: ContentHash(hash: []), payloadByteCount: 0,
          dependencies: entries.isEmpty ? [] : [entries[entries.count / 2].header.id(in: workspace.id)])
        entries.append(Entry(header: header, signature: [UInt8](repeating: 0, count: 64), payload: []))
      }
    }
    #expect(try decoded(messages(of: entries)) == entries)
  }

  @Test func mutatedRunsYieldNothingElse() throws {
    let entries = try mixture(seed: 6, count: 40)
    let originals = Set(entries)
    let messages = messages(of: entries)
    var mutator = ByteMutator(seed: 7)
    var acceptedCount = 0
    for round in 0..<1500 {
      let index = round % messages.count
      var decoder = EntryDecoder(workspace: workspace.id)
      var encoder = EntryEncoder(workspace: workspace.id)
      do {
        for message in messages[..<index] { encoder = try Self.recoded(message, &decoder, encoder) }
        let mutated = Message(.entry, body: mutator.mutate(messages[index].body))
        var changed = decoder
        encoder = try Self.recoded(mutated, &decoder, encoder)
        // What follows is read against what was altered.
        for message in [mutated] + messages[(index + 1)...].prefix(3) {
          let entry = try changed.decodeWhole(message)
          guard (try? VerifiedEntry(verifying: entry, in: workspace.id)) != nil else { continue }
          acceptedCount += 1
          #expect(originals.contains(entry))
        }
      } catch is WireError {
        continue
      }
    }
    #expect(acceptedCount > 0)
  }

  @Test func truncatedEntriesAreErrors() throws {
    let messages = messages(of: try mixture(seed: 8, count: 12))
    for index in messages.indices {
      var decoder = EntryDecoder(workspace: workspace.id)
      for message in messages[..<index] { _ = try decoder.decode(message) }
      for count in 0..<messages[index].body.count {
        var fresh = decoder
        #expect(throws: WireError.self) {
          try fresh.decode(Message(.entry, body: Array(messages[index].body.prefix(count))))
        }
      }
    }
  }

  /// Decodes a message, and holds to it that it is what the encoder writes at this place.
  private static func recoded(
    _ message: Message, _ decoder: inout EntryDecoder, _ encoder: EntryEncoder
  ) throws -> EntryEncoder {
    var encoder = encoder
    switch try decoder.decode(message) {
    case .whole(let entry): #expect(message.body.starts(with: encoder.message(entry).body))
    case .head(let head):
      let entry = Entry(header: head.header, signature: head.signature, payload: [])
      #expect(message.body.starts(with: encoder.message(head: entry).body))
    }
    return encoder
  }
}
