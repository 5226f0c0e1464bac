public import FieldWire

/// What is missing from authors' chains, and where an author gave one place to two entries.
///
/// Each entry names its author's previous one in the same database. One that is named and not here was dropped or
/// withheld by somebody on the way, is still to come, or was purged here. Two entries with one sequence number are
/// proof that their author's key signed both.
public struct ChainAudit: Sendable {
  /// Something between two entries of a chain, or before the first that is here.
  public struct Gap: Hashable, Sendable {
    public let author: DeviceKey
    public let database: DatabaseID
    /// The last one that is here before it; 0 for none.
    public let after: UInt64
    /// The first one that is here behind it.
    public let before: UInt64
    /// The missing one that comes directly before that.
    public let missing: EntryID
  }

  public struct Fork: Hashable, Sendable {
    public let author: DeviceKey
    public let database: DatabaseID
    public let sequence: UInt64
    /// All that are here, in the order of their bytes.
    public let entries: [EntryID]
  }

  private struct Chain: Hashable {
    let author: DeviceKey
    let database: DatabaseID
  }

  private struct Link {
    let sequence: UInt64
    let id: EntryID
    let previous: EntryID
  }

  private var chains: [Chain: [Link]] = [:]

  public init() {}

  public mutating func add(_ header: EntryHeader, id: EntryID) {
    chains[Chain(author: header.author, database: header.database), default: []].append(
      Link(sequence: header.sequence, id: id, previous: header.previous))
  }

  /// In the order of authors, databases and sequence numbers.
  public var gaps: [Gap] {
    sorted.flatMap { chain, links in
      let present = Set(links.map(\.id))
      var gaps: [Gap] = []
      var last: UInt64 = 0
      for link in links {
        if link.previous != .zero, !present.contains(link.previous) {
          gaps.append(
            Gap(
              author: chain.author, database: chain.database, after: last, before: link.sequence,
              missing: link.previous))
        }
        last = link.sequence
      }
      return gaps
    }
  }

  public var forks: [Fork] {
    sorted.flatMap { chain, links in
      Dictionary(grouping: links, by: \.sequence).filter { $0.value.count > 1 }
        .map { sequence, links in
          Fork(
            author: chain.author, database: chain.database, sequence: sequence, entries: links.map(\.id).sorted())
        }
        .sorted { $0.sequence < $1.sequence }
    }
  }

  private var sorted: [(Chain, [Link])] {
    chains.sorted { ($0.key.author, $0.key.database) < ($1.key.author, $1.key.database) }
      .map { ($0.key, $0.value.sorted { ($0.sequence, $0.id) < ($1.sequence, $1.id) }) }
  }
}

extension ContentAddressedStore {
  /// Goes over everything in the store, the directory included.
  public func chainAudit() async throws(StoreError) -> ChainAudit {
    var audit = ChainAudit()
    var cursor: StoreCursor?
    while true {
      let page = try await scan(since: cursor, limit: StoreLimits.idCount, filter: EntryFilter())
      let found = try await headers(page.listings.map(\.id))
      for (id, header) in found { audit.add(header, id: id) }
      guard page.hasMore else { return audit }
      cursor = page.next
    }
  }
}
