public import FieldWire

/// A scan that is answered with the entries themselves where the asker surely lacks them. Body: largest payload
/// (varint, at most 1,048,576); complete (u8: 0 or 1); count (varint, at most 64), and for each chain of which the
/// asker has something, in ascending order: author (32), database (16), last sequence (u64); then as ``ScanRequest``.
public struct PullRequest: MessageBody {
  public static let type = MessageType.pull

  /// Entries with larger payloads come without them.
  public var inlineByteCount: Int
  public var chains: KnownChains
  public var scan: ScanRequest

  public init(inlineByteCount: Int, chains: KnownChains, scan: ScanRequest) {
    self.inlineByteCount = inlineByteCount
    self.chains = chains
    self.scan = scan
  }

  public func encode(into writer: inout WireWriter) {
    writer.count(inlineByteCount)
    writer.u8(chains.isComplete ? 1 : 0)
    writer.count(chains.ends.count)
    for (chain, sequence) in chains.ends.sorted(by: { $0.key < $1.key }) {
      writer.identifier(chain.author)
      writer.identifier(chain.database)
      writer.u64(sequence)
    }
    scan.encode(into: &writer)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    inlineByteCount = try reader.count(limit: EntryLimits.payloadByteCount)
    let complete = try reader.u8()
    guard complete <= 1 else { throw WireError(.invalidValue, "neither yes nor no") }
    let count = try reader.count(limit: KnownChains.limit, itemByteCount: KnownChains.itemByteCount)
    chains = KnownChains(ends: [:], isComplete: complete == 1)
    var last: Chain?
    for _ in 0..<count {
      let chain = Chain(author: try reader.identifier(), database: try reader.identifier())
      if let last, last >= chain { throw WireError(.notCanonical, "chains out of order") }
      last = chain
      chains.ends[chain] = try reader.u64()
    }
    scan = try ScanRequest(from: &reader)
  }
}
