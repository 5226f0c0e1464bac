public import FieldWire

/// Writes entries of one direction of one stream, each against those before it; ``EntryDecoder`` reads them. In a run
/// of one author's entries in one database an entry costs its payload, the 64 bytes of its signature and about ten
/// bytes more, or twenty-five where its document is new to the run.
///
/// Body of an `entry` message, whose first byte is ``EntryRunFlag``:
///
/// | field | where |
/// | --- | --- |
/// | chain (varint): 0 for one that is not in the table, else 1 + 2 × slot, + 1 when it does not follow the last one of it | unless it follows the entry before |
/// | author (32), database (16) | chain 0 |
/// | sequence (u64); previous (32) unless the sequence is 1 | chain 0, or it does not follow |
/// | key epoch (varint) | unless it is the same, or a directory entry |
/// | document (varint): 1 + slot, or 0 and the id (16) | unless it is the same, or there is none |
/// | count (varint), and for each dependency: how many entries ago it came in the run (varint), or 0 and the id (32) | unless it is the entry before alone |
/// | content hash (32) | without payload |
/// | bytes of the payload (varint), signature (64) | always |
/// | payload | unless without |
public struct EntryEncoder: Sendable {
  private var state: EntryRunState

  public init(workspace: WorkspaceID) {
    state = EntryRunState(workspace: workspace)
  }

  public mutating func message(_ entry: Entry) -> Message { message(entry, withPayload: true) }

  /// The entry without its payload, for a receiver that fetches large ones in pieces.
  public mutating func message(head entry: Entry) -> Message { message(entry, withPayload: false) }

  private mutating func message(_ entry: Entry, withPayload: Bool) -> Message {
    let header = entry.header
    var flags = header.kind.rawValue
    var fields = WireWriter(capacity: header.encodedByteCount + EntryLimits.signatureByteCount + entry.payload.count)
    if follows(header) {
      flags |= EntryRunFlag.follows
    } else {
      encodeChain(header, into: &fields)
    }
    if header.kind != .directory {
      if header.keyEpoch == state.lastKeyEpoch {
        flags |= EntryRunFlag.sameKeyEpoch
      } else {
        fields.varint(UInt64(header.keyEpoch))
      }
    }
    if header.hasDocument {
      if header.document == state.lastDocument {
        flags |= EntryRunFlag.sameDocument
      } else if let slot = state.documents.slot(of: header.document) {
        fields.count(1 + slot)
      } else {
        fields.varint(0)
        fields.identifier(header.document)
      }
    }
    if let last = state.last, header.dependencies == [last.end.id] {
      flags |= EntryRunFlag.dependsOnLast
    } else {
      fields.count(header.dependencies.count)
      for dependency in header.dependencies {
        let distance = state.entries.distance(of: dependency)
        fields.count(distance ?? 0)
        if distance == nil { fields.identifier(dependency) }
      }
    }
    if !withPayload {
      flags |= EntryRunFlag.withoutPayload
      fields.identifier(header.contentHash)
    }
    fields.varint(UInt64(header.payloadByteCount))
    fields.raw(entry.signature)
    if withPayload { fields.raw(entry.payload) }
    state.append(header)
    return Message(.entry, body: [flags] + fields.bytes)
  }

  private func follows(_ header: EntryHeader) -> Bool {
    guard let last = state.last else { return false }
    return last.chain == header.chain
      && last.end.isFollowed(bySequence: header.sequence, previous: header.previous)
  }

  private func encodeChain(_ header: EntryHeader, into fields: inout WireWriter) {
    let slot = state.chains.slot(of: header.chain)
    if let slot {
      let isNext =
        state.end(at: slot)?.isFollowed(bySequence: header.sequence, previous: header.previous) ?? false
      fields.count(1 + 2 * slot + (isNext ? 0 : 1))
      if isNext { return }
    } else {
      fields.varint(0)
      fields.identifier(header.author)
      fields.identifier(header.database)
    }
    fields.u64(header.sequence)
    if header.sequence != 1 { fields.identifier(header.previous) }
  }
}
