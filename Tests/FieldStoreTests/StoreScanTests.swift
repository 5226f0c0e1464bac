import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// Order, cursors and filters of every store.
@Suite struct StoreScanTests {
  let workspace: TestWorkspace
  var author: TestAuthor
  var second: TestAuthor
  var admin: TestAuthor

  init() throws {
    workspace = try TestWorkspace()
    author = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    second = try TestAuthor(try TestWorkspace.device(3), in: workspace)
    admin = try TestAuthor(workspace.founder, in: workspace)
  }

  private mutating func make(_ factory: StoreFactory) async throws -> StoreUnderTest {
    let made = try await factory.make(workspace.id)
    try await made.fill([
      workspace.founding, try admin.grant(author.keyPair, .member), try admin.grant(second.keyPair, .member),
    ])
    return made
  }

  private mutating func writeMixed(_ count: Int) throws -> [VerifiedEntry] {
    let kinds: [EntryKind] = [.documentChange, .snapshot, .delete, .undelete, .blobChunk]
    return try (0..<count).map { number in
      let (document, database) = (DocumentID.number(UInt64(number % 4)), DatabaseID.number(UInt64(number % 3 + 1)))
      let kind = kinds[number % kinds.count]
      return number % 7 < 4
        ? try author.write("\(number)", to: document, in: database, kind: kind)
        : try second.write("\(number)", to: document, in: database, kind: kind)
    }
  }

  @Test(arguments: StoreFactory.all)
  mutating func theOrderIsThatOfArrival(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try writeMixed(50)
    // Newest first, one put each, then the rest in one: age does not matter, place in the put does.
    for entry in written[25...].reversed() { try await made.fill([entry]) }
    try await made.fill(Array(written[..<25].reversed()))
    let listings = try await made.allListings()
    #expect(listings.dropFirst(3).map(\.id) == written.reversed().map(\.id))
    #expect(listings.map(\.arrival) == Array(1...53))
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func pagesOfAnySizeMakeTheWhole(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try writeMixed(60)
    try await made.fill(Array(written[..<40]))
    _ = try await made.store.purge(document: .number(2), in: .number(1))
    let reopened = try await made.reopen()
    let later = written[40...]
    #expect(
      try await reopened.put(later.map(\.entry))
        == later.map { entry in
          entry.header.document == .number(2) && entry.header.database == .number(1) ? .refused(.purged) : .stored
        })

    let filters = [
      EntryFilter(), EntryFilter(scope: .database(.number(1))), EntryFilter(scope: .document(.number(2), .number(1))),
      EntryFilter(kinds: [.snapshot, .blobChunk]), EntryFilter(author: second.key), EntryFilter(before: 20),
      EntryFilter(scope: .database(.number(9))), EntryFilter(kinds: []),
    ]
    for filter in filters {
      let whole = try await reopened.allListings(filter: filter)
      for size in [1, 2, 3, 7, 50] {
        #expect(try await reopened.allListings(filter: filter, pageSize: size) == whole, "pages of \(size)")
      }
      // From any place in the order, the rest comes.
      let epoch = try await reopened.head().epoch
      for arrival in [UInt64(0), 1, 5, 30, 62, 1000, .max] {
        let rest = try await reopened.allListings(since: StoreCursor(epoch: epoch, arrival: arrival), filter: filter)
        #expect(rest == whole.filter { $0.arrival > arrival })
      }
    }
    let page = try await reopened.scan(since: nil, limit: 0, filter: EntryFilter())
    #expect(page.listings.count == 1, "a page moves on, whatever was asked")
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func filtersAgreeWithThePlainTruth(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try writeMixed(90)
    try await made.fill(written)
    let listings = try await made.allListings()
    let headers = try await made.store.headers(listings.map(\.id))
    let all = listings.compactMap { listing in headers[listing.id].map { (listing, $0) } }
    #expect(all.count == 93)

    let scopes: [EntryFilter.Scope] = [
      .workspace, .database(.number(2)), .database(Directory.database), .document(.number(3), .number(1)),
      .document(.number(1), .number(9)),
    ]
    let kindSets: [Set<EntryKind>?] = [nil, [], [.directory], [.documentChange], [.blobChunk, .delete, .directory]]
    for scope in scopes {
      for kinds in kindSets {
        for wanted in [nil, author.key, admin.key] {
          for before in [nil, 0, 1, 40, 1000] as [UInt64?] {
            let expected = all.filter { listing, header in
              let isInScope =
                switch scope {
                case .workspace: true
                case .database(let id): header.database == id
                case .document(let id, let document): header.database == id && header.document == document
                }
              return isInScope && (kinds?.contains(header.kind) ?? true) && (wanted ?? header.author) == header.author
                && listing.arrival < before ?? .max
            }
            let filter = EntryFilter(scope: scope, kinds: kinds, author: wanted, before: before)
            #expect(try await made.allListings(filter: filter, pageSize: 10) == expected.map(\.0))
          }
        }
      }
    }
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aScanThatEndedHasSeenTheHead(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    try await made.fill(try writeMixed(10))
    let head = try await made.store.head()
    #expect(head.arrival == 13)
    for filter in [EntryFilter(), EntryFilter(scope: .database(.number(2))), EntryFilter(kinds: [])] {
      let page = try await made.store.scan(since: nil, limit: 1000, filter: filter)
      #expect(!page.hasMore && page.next == head.cursor)
    }
    let part = try await made.store.scan(since: nil, limit: 1000, filter: EntryFilter(before: 5))
    #expect(!part.hasMore && part.next.arrival == 4)
    let idle = try await made.store.scan(since: head.cursor, limit: 10, filter: EntryFilter())
    #expect(idle == ScanPage(listings: [], next: head.cursor, hasMore: false))
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func aCursorOfAnotherEpochStartsOver(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    try await made.fill(try writeMixed(5))
    let head = try await made.store.head()
    let other = StoreCursor(epoch: StoreEpoch(rawValue: ~head.epoch.rawValue), arrival: 6)
    #expect(try await made.store.scan(since: other, limit: 100, filter: EntryFilter()).listings.count == 8)
    #expect(try await made.store.scan(since: head.cursor, limit: 100, filter: EntryFilter()).listings == [])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func anOldCursorSurvivesPurgeAndRestart(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let written = try (0..<10).map { try author.write("\($0)", to: .number(UInt64($0 / 5))) }
    try await made.fill(written)
    let cursor = try await made.store.head().cursor
    // The newest five go.
    #expect(try await made.store.purge(document: .number(1), in: .number(1)) == 5)
    #expect(try await made.store.head().cursor == cursor)
    let reopened = try await made.reopen()
    #expect(try await reopened.head().cursor == cursor)
    let news = try author.write("news", to: .number(7))
    #expect(try await reopened.put([news.entry]) == [.stored])
    let listings = try await reopened.allListings(since: cursor)
    #expect(listings.map(\.id) == [news.id])
    #expect(listings.map(\.arrival) == [cursor.arrival + 1])
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func purgedDocumentsDoNotComeBack(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let gone = try (0..<3).map { try author.write("gone \($0)", to: .number(1)) }
    let kept = try author.write("kept", to: .number(2))
    try await made.fill(gone + [kept])
    #expect(try await made.store.purge(document: .number(1), in: .number(1)) == 3)
    #expect(try await made.store.purge(document: .number(1), in: .number(1)) == 0)
    #expect(try await made.store.purge(document: .number(40), in: .number(1)) == 0)
    #expect(try await made.store.contained(gone.map(\.id)) == [])
    let reopened = try await made.reopen()
    #expect(try await reopened.put(gone.map(\.entry)) == gone.map { _ in .refused(.purged) })
    let unseen = try author.write("unseen", to: .number(40)).entry
    #expect(try await reopened.put([unseen]) == [.refused(.purged)])
    let keyPair = author.keyPair
    await #expect(throws: StoreError(.refused, "")) {
      try await reopened.append([.text("again", to: .number(1))], signedBy: keyPair)
    }
    // The same document id elsewhere is another document.
    #expect(try await reopened.put([try author.write("x", to: .number(1), in: .number(2)).entry]) == [.stored])
    await #expect(throws: StoreError(.refused, "")) {
      try await reopened.purge(document: .zero, in: Directory.database)
    }
    #expect(try await reopened.contained([kept.id, workspace.founding.id]).count == 2)
    try await made.check()
  }

  @Test(arguments: StoreFactory.all)
  mutating func entriesAreNotListedToWhoSentThem(_ factory: StoreFactory) async throws {
    let made = try await make(factory)
    let device = try TestWorkspace.device(8).key
    let source = EntrySource(device: device, epoch: StoreEpoch(rawValue: .max))
    let theirs = try (0..<4).map { try author.write("theirs \($0)") }
    let ours = try author.write("ours")
    #expect(try await made.local.put(theirs.map(\.entry), from: source).allSatisfy { $0 == .stored })
    try await made.fill([ours])
    // A second delivery by somebody else changes nothing.
    let other = EntrySource(device: device, epoch: StoreEpoch(rawValue: 5))
    #expect(try await made.local.put(theirs.map(\.entry), from: other).allSatisfy { $0 == .duplicate })

    let reopened = try await made.reopen()
    let listed = try await reopened.allListings(filter: EntryFilter(scope: .database(.number(1)), notFrom: source))
    #expect(listed.map(\.id) == [ours.id])
    for unknown in [other, EntrySource(device: try author.keyPair.key, epoch: source.epoch)] {
      #expect(try await reopened.allListings(filter: EntryFilter(notFrom: unknown)).count == 8)
    }
    try await made.check()
  }
}
