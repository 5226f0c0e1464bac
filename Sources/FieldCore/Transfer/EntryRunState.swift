import FieldWire

/// What both ends of a run of entries know after each entry of it: the entries of one direction of one stream, where
/// each is coded against those before it.
struct EntryRunState: Sendable {
  /// Bounds of what a side keeps for a run, about half a megabyte when all is full.
  static let chainLimit = 64
  static let documentLimit = 4096
  static let entryLimit = 4096

  let workspace: WorkspaceID
  var chains = RecentTable<Chain>(capacity: chainLimit)
  /// By slot: the newest entry of the chain in this run.
  private var chainEnds: [ChainLink] = []
  var documents = RecentTable<DocumentID>(capacity: documentLimit)
  var entries = RecentTable<EntryID>(capacity: entryLimit)
  private(set) var last: (chain: Chain, end: ChainLink)?
  private(set) var lastDocument: DocumentID?
  private(set) var lastKeyEpoch: UInt32?

  init(workspace: WorkspaceID) {
    self.workspace = workspace
  }

  /// The newest entry of the chain in a slot.
  func end(at slot: Int) -> ChainLink? { chainEnds.indices.contains(slot) ? chainEnds[slot] : nil }

  /// Takes note of an entry that both ends have now.
  mutating func append(_ header: EntryHeader) {
    let id = header.id(in: workspace)
    let chain = header.chain
    let end = ChainLink(sequence: header.sequence, id: id)
    let slot = chains.slot(of: chain) ?? chains.insert(chain)
    if slot < chainEnds.count { chainEnds[slot] = end } else { chainEnds.append(end) }
    last = (chain, end)
    if header.hasDocument {
      if documents.slot(of: header.document) == nil { documents.insert(header.document) }
      lastDocument = header.document
    }
    if header.kind != .directory { lastKeyEpoch = header.keyEpoch }
    entries.insert(id)
  }
}

extension ChainLink {
  /// Whether an entry of the same chain comes right behind this one.
  func isFollowed(bySequence sequence: UInt64, previous: EntryID) -> Bool {
    sequence == self.sequence &+ 1 && previous == id
  }
}

extension EntryHeader {
  /// Whether the entry belongs to a document: all but directory entries and blob chunks do.
  var hasDocument: Bool { kind != .directory && kind != .blobChunk }
}

/// Bits of the first byte of a coded entry, above the three of its kind.
enum EntryRunFlag {
  static let kindMask: UInt8 = 0b111
  /// It follows the entry before it in the run, in the same chain.
  static let follows: UInt8 = 1 << 3
  static let sameKeyEpoch: UInt8 = 1 << 4
  static let sameDocument: UInt8 = 1 << 5
  /// Content hash instead of the payload.
  static let withoutPayload: UInt8 = 1 << 6
  /// It depends on the entry before it in the run, and on nothing else.
  static let dependsOnLast: UInt8 = 1 << 7
}
