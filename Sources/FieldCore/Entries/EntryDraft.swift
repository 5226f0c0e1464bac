public import FieldWire
public import Sodium

/// An entry before it has a place in its author's chain. The store gives it one and signs it, in the transaction that
/// writes it, so that several processes of one device never give a sequence number twice.
public struct EntryDraft: Sendable {
  public var kind: EntryKind
  public var database: DatabaseID
  public var document: DocumentID
  public var keyEpoch: UInt32
  public var payload: [UInt8]
  public var dependencies: [EntryID]

  /// - Parameter payload: as stored, so encrypted unless the entry is the directory's.
  public init(
    kind: EntryKind, database: DatabaseID, document: DocumentID = .zero, keyEpoch: UInt32, payload: [UInt8],
    dependencies: [EntryID] = []
  ) {
    self.kind = kind
    self.database = database
    self.document = document
    self.keyEpoch = keyEpoch
    self.payload = payload
    self.dependencies = dependencies
  }

  /// Signs the draft as the entry that follows `chain` in its author's chain.
  ///
  /// - Throws: ``EntryError`` with `malformed` or `tooLarge` where the draft breaks a rule of ``EntryHeader``.
  public func sign(
    with keyPair: SigningKeyPair, following chain: ChainLink?, in workspace: WorkspaceID
  )
    throws(EntryError) -> VerifiedEntry
  {
    guard payload.count <= EntryLimits.payloadByteCount else {
      throw EntryError(.tooLarge, "a payload of \(payload.count) bytes, over \(EntryLimits.payloadByteCount)")
    }
    guard let author = DeviceKey(keyPair.publicKey) else { throw EntryError(.malformed, "a key of the wrong size") }
    let (sequence, isOver) = (chain?.sequence ?? 0).addingReportingOverflow(1)
    guard !isOver else { throw EntryError(.malformed, "the author's chain is at its end") }
    let header = EntryHeader(
      kind: kind, database: database, document: document, author: author,
      sequence: sequence, previous: chain?.id ?? .zero, keyEpoch: keyEpoch,
      contentHash: ContentHash(hash: payload), payloadByteCount: UInt32(payload.count),
      dependencies: Array(Set(dependencies)).sorted())
    do {
      try header.validate()
    } catch {
      throw EntryError(.malformed, error.reason)
    }
    let entry = Entry(signing: header, payload: payload, with: keyPair, in: workspace)
    return VerifiedEntry(signed: entry, id: header.id(in: workspace))
  }
}

/// The end of an author's chain in one database.
public struct ChainLink: Hashable, Sendable {
  public var sequence: UInt64
  public var id: EntryID

  public init(sequence: UInt64, id: EntryID) {
    self.sequence = sequence
    self.id = id
  }
}
