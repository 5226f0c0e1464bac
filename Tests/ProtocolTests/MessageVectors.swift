import FieldCore
import FieldWire
import SetReconciliation

@testable import FieldCore

/// A message with its vector, and whether its own decoder reads it back.
struct MessageVector {
  let vector: Vector
  let type: MessageType
  let readsBack: () throws -> Bool

  init(_ name: String, _ message: Message, readsBack: @escaping () throws -> Bool) {
    vector = Vector("message.\(name)", message.framed)
    type = message.type
    self.readsBack = readsBack
  }

  init<Body: MessageBody>(_ name: String, _ body: Body) {
    let message = Message(body)
    self.init(name, message) { Message(try message.decode(Body.self)) == message }
  }

  /// A message whose body is empty.
  init(_ name: String, _ type: MessageType) {
    self.init(name, Message(type)) { Message(type).body.isEmpty }
  }
}

extension Vectors {
  /// One of the messages of the run of the change and the deletion.
  private func run(_ name: String, _ index: Int) throws -> MessageVector {
    let entries = try fixture.entries().map(\.entry)[2...]
    var encoder = EntryEncoder(workspace: fixture.workspace)
    let messages = entries.map { encoder.message($0) }
    let workspace = fixture.workspace
    return MessageVector(name, messages[index]) {
      var decoder = EntryDecoder(workspace: workspace)
      return try messages.map { try decoder.decodeWhole($0) } == Array(entries)
    }
  }

  /// The change without its payload, at the start of a run.
  private func payloadless() throws -> MessageVector {
    let (workspace, entry) = (fixture.workspace, try fixture.entries()[2].entry)
    var encoder = EntryEncoder(workspace: workspace)
    let message = encoder.message(head: entry)
    return MessageVector("entry.head", message) {
      var decoder = EntryDecoder(workspace: workspace)
      return try decoder.decode(message) == .head(EntryHead(header: entry.header, signature: entry.signature))
    }
  }

  func messages() throws -> [MessageVector] {
    let entries = try fixture.entries()
    let ids = entries.map(\.id)
    let head = try fixture.head()
    let state = try fixture.state()
    let database = try fixture.names.database(named: "notes")
    let document = try fixture.names.document(named: "today", in: database)
    let cursor = StoreCursor(epoch: fixture.epoch, arrival: 2)
    let listings = zip(entries, 1...).map { item, arrival in
      EntryListing(
        id: item.id, kind: item.entry.header.kind, byteCount: item.entry.encodedByteCount, arrival: UInt64(arrival))
    }
    let filter = EntryFilter(
      scope: .document(database, document), kinds: [.documentChange, .delete], author: fixture.memberKey, before: 9)
    let extended = Message(.state, body: Message(state).body + [0x01, 0x02, 0xca, 0xfe])
    return try ladder() + [
      MessageVector("state", state),
      MessageVector("state.extended", extended) { try extended.decode(StateNotice.self) == state },
      MessageVector("credentialRequest", .credentialRequest),
      MessageVector("join", JoinRequest(name: "phone")),
      MessageVector("welcome", Welcome()),
      MessageVector(
        "addresses",
        AddressesNotice(addresses: [
          PeerAddress(kind: .lan, location: "192.168.1.7:7747"),
          PeerAddress(kind: .lan, location: "[2001:db8::7]:7747"),
        ])),
      MessageVector(
        "refusals",
        RefusalsNotice(items: [
          .init(code: .storeFull, entryCount: 7), .init(code: .authorQuota, entryCount: 2, author: fixture.memberKey),
        ])),
      MessageVector("head", .head),
      MessageVector("headReply", HeadReply(head: head)),
      MessageVector("scan.toEnd", ScanRequest(cursor: nil, limit: 1000, isToEnd: true, filter: EntryFilter())),
      MessageVector("scan.filtered", ScanRequest(cursor: cursor, limit: 100, filter: filter)),
      MessageVector(
        "scan.summary",
        ScanRequest(cursor: nil, limit: 1000, isToEnd: true, filter: EntryFilter(absentFrom: try summary()))),
      MessageVector(
        "page", ScanReply(page: ScanPage(listings: Array(listings[2...]), next: head.cursor, hasMore: false))),
      MessageVector("fetch", FetchRequest(ids: Array(ids[2...]), inlineByteCount: 16_384)),
      try run("entry.first", 0),
      try run("entry.second", 1),
      try payloadless(),
      MessageVector("headers", HeadersRequest(ids: [ids[2]])),
      MessageVector("header", HeaderMessage(header: entries[2].entry.header)),
      MessageVector("contained", ContainedRequest(ids: [ids[2]])),
      MessageVector(
        "bitmap", ContainedReply(isContained: [true, false, true, true, false, false, false, false, true])),
      MessageVector("bloomSummary", SummaryRequest(attempt: 0, bitsPerEntry: 10, scope: .database(database))),
      MessageVector("summary", SummaryReply(summary: try summary())),
      MessageVector("dependencies", DependenciesRequest(start: ids[3], stop: .snapshot, maximumDepth: 1000)),
      MessageVector("identifiers", IdentifiersReply(ids: [ids[2], ids[3]])),
      MessageVector(
        "content", ContentRequest(items: [.init(id: ids[2]), .init(id: ids[3], having: Array("abc".utf8))])),
      MessageVector("contentStart", ContentStart(index: 1, offset: 3, byteCount: 70_000)),
      MessageVector("piece", ContentPiece(bytes: Array("def".utf8))),
      MessageVector(
        "pull",
        PullRequest(
          inlineByteCount: 16_384,
          chains: KnownChains(ends: [Chain(author: fixture.memberKey, database: database): 1], isComplete: true),
          scan: ScanRequest(cursor: nil, limit: 1000, isToEnd: true, filter: EntryFilter()))),
      MessageVector("put", .put),
      MessageVector("outcomes", OutcomesReply(outcomes: [.stored, .duplicate, .refused(.unknownAuthor)])),
    ]
  }
}
