public import FieldWire

/// What an `entry` message brought: nothing of it is verified.
public enum ReceivedEntry: Hashable, Sendable {
  case whole(Entry)
  /// All but the payload, which is fetched by itself.
  case head(EntryHead)

  public var header: EntryHeader {
    switch self {
    case .whole(let entry): entry.header
    case .head(let head): head.header
    }
  }
}

/// Reads what ``EntryEncoder`` writes. Every entry has one encoding at its place in a run; any other is an error, after
/// which nothing more of the run can be read.
public struct EntryDecoder: Sendable {
  private var state: EntryRunState

  public init(workspace: WorkspaceID) {
    state = EntryRunState(workspace: workspace)
  }

  public mutating func decode(_ message: Message) throws(WireError) -> ReceivedEntry {
    guard message.type == .entry else { throw WireError(.invalidValue, "a \(message.type) message for an entry") }
    var reader = WireReader(message.body)
    let entry = try decode(from: &reader)
    try MessageExtensions.read(from: &reader)
    state.append(entry.header)
    return entry
  }

  /// An entry that has to come with its payload.
  public mutating func decodeWhole(_ message: Message) throws(WireError) -> Entry {
    guard case .whole(let entry) = try decode(message) else {
      throw WireError(.invalidValue, "an entry without its payload")
    }
    return entry
  }

  private func decode(from reader: inout WireReader) throws(WireError) -> ReceivedEntry {
    let flags = try reader.u8()
    guard let kind = EntryKind(rawValue: flags & EntryRunFlag.kindMask) else {
      throw WireError(.unknownMandatory, "an unknown entry kind")
    }
    let chain = try decodeChain(from: &reader, follows: flags & EntryRunFlag.follows != 0)
    var header = EntryHeader(
      kind: kind, database: chain.chain.database, document: .zero, author: chain.chain.author,
      sequence: chain.sequence, previous: chain.previous, keyEpoch: 0, contentHash: .zero, payloadByteCount: 0,
      dependencies: [])
    header.keyEpoch = try decodeKeyEpoch(from: &reader, of: kind, isSame: flags & EntryRunFlag.sameKeyEpoch != 0)
    header.document = try decodeDocument(
      from: &reader, isThere: header.hasDocument, isSame: flags & EntryRunFlag.sameDocument != 0)
    header.dependencies = try decodeDependencies(from: &reader, isLast: flags & EntryRunFlag.dependsOnLast != 0)
    let isWhole = flags & EntryRunFlag.withoutPayload == 0
    if !isWhole { header.contentHash = try reader.identifier() }
    let byteCount = try reader.count(limit: EntryLimits.payloadByteCount)
    header.payloadByteCount = UInt32(byteCount)
    let signature = try reader.raw(EntryLimits.signatureByteCount)
    guard isWhole else {
      try header.validate()
      return .head(EntryHead(header: header, signature: signature))
    }
    let payload = try reader.raw(byteCount)
    header.contentHash = ContentHash(hash: payload)
    try header.validate()
    return .whole(Entry(header: header, signature: signature, payload: payload))
  }

  private typealias Place = (chain: Chain, sequence: UInt64, previous: EntryID)

  private func decodeChain(from reader: inout WireReader, follows: Bool) throws(WireError) -> Place {
    if follows {
      guard let last = state.last else { throw WireError(.invalidValue, "the first entry follows none") }
      return try Self.next(of: last.chain, behind: last.end)
    }
    let reference = try reader.count(limit: 2 * EntryRunState.chainLimit)
    let chain: Chain
    var end: ChainLink?
    if reference == 0 {
      chain = Chain(author: try reader.identifier(), database: try reader.identifier())
      guard state.chains.slot(of: chain) == nil else { throw WireError(.notCanonical, "a chain that is known") }
    } else {
      let slot = (reference - 1) / 2
      guard let known = state.chains.key(at: slot), let link = state.end(at: slot) else {
        throw WireError(.invalidValue, "a chain that is not known")
      }
      chain = known
      end = link
      if reference % 2 == 1 {
        guard state.last?.chain != chain else { throw WireError(.notCanonical, "it follows the entry before") }
        return try Self.next(of: chain, behind: link)
      }
    }
    let sequence = try reader.u64()
    let previous: EntryID = sequence == 1 ? .zero : try reader.identifier()
    guard end?.isFollowed(bySequence: sequence, previous: previous) != true else {
      throw WireError(.notCanonical, "it follows the last of its chain")
    }
    return (chain, sequence, previous)
  }

  private static func next(of chain: Chain, behind end: ChainLink) throws(WireError) -> Place {
    let (sequence, isOver) = end.sequence.addingReportingOverflow(1)
    guard !isOver else { throw WireError(.invalidValue, "an author's chain is at its end") }
    return (chain, sequence, end.id)
  }

  private func decodeKeyEpoch(
    from reader: inout WireReader, of kind: EntryKind, isSame: Bool
  ) throws(WireError)
    -> UInt32
  {
    guard kind != .directory else {
      guard !isSame else { throw WireError(.notCanonical, "a directory entry has no key epoch") }
      return 0
    }
    guard !isSame else {
      guard let last = state.lastKeyEpoch else { throw WireError(.invalidValue, "the first key epoch") }
      return last
    }
    guard let epoch = UInt32(exactly: try reader.varint()) else {
      throw WireError(.limitExceeded, "a key epoch over 32 bits")
    }
    guard epoch != state.lastKeyEpoch else { throw WireError(.notCanonical, "the same key epoch") }
    return epoch
  }

  private func decodeDocument(
    from reader: inout WireReader, isThere: Bool, isSame: Bool
  ) throws(WireError) -> DocumentID {
    guard isThere else {
      guard !isSame else { throw WireError(.notCanonical, "an entry without a document") }
      return .zero
    }
    guard !isSame else {
      guard let last = state.lastDocument else { throw WireError(.invalidValue, "the first document") }
      return last
    }
    let reference = try reader.count(limit: EntryRunState.documentLimit)
    let document: DocumentID
    if reference == 0 {
      document = try reader.identifier()
      guard state.documents.slot(of: document) == nil else {
        throw WireError(.notCanonical, "a document that is known")
      }
    } else {
      guard let known = state.documents.key(at: reference - 1) else {
        throw WireError(.invalidValue, "a document that is not known")
      }
      document = known
    }
    guard document != state.lastDocument else { throw WireError(.notCanonical, "the same document") }
    return document
  }

  private func decodeDependencies(from reader: inout WireReader, isLast: Bool) throws(WireError) -> [EntryID] {
    guard !isLast else {
      guard let last = state.last else { throw WireError(.invalidValue, "the first entry depends on none") }
      return [last.end.id]
    }
    let count = try reader.count(limit: EntryLimits.dependencyCount, itemByteCount: 1)
    var dependencies: [EntryID] = []
    dependencies.reserveCapacity(count)
    for _ in 0..<count {
      let distance = try reader.count(limit: EntryRunState.entryLimit)
      if distance == 0 {
        let id: EntryID = try reader.identifier()
        guard state.entries.slot(of: id) == nil else { throw WireError(.notCanonical, "an entry that came before") }
        dependencies.append(id)
      } else {
        guard let id = state.entries.key(atDistance: distance) else {
          throw WireError(.invalidValue, "an entry that did not come before")
        }
        dependencies.append(id)
      }
    }
    guard count != 1 || dependencies.first != state.last?.end.id else {
      throw WireError(.notCanonical, "the entry before alone")
    }
    return dependencies
  }
}
