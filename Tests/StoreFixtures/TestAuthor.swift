public import FieldCore
public import FieldWire
public import Sodium

/// A device that writes entries without a store, each after the one before it.
public struct TestAuthor {
  public let keyPair: SigningKeyPair
  public let key: DeviceKey
  private let workspace: TestWorkspace
  private var chains: [DatabaseID: ChainLink] = [:]
  /// What it wrote to the directory, in order.
  public private(set) var directoryEntries: [EntryID] = []

  public init(_ keyPair: SigningKeyPair, in workspace: TestWorkspace) throws {
    self.keyPair = keyPair
    self.workspace = workspace
    key = try keyPair.key
    if key == (try workspace.founder.key) {
      chains[Directory.database] = ChainLink(sequence: 1, id: workspace.founding.id)
      directoryEntries = [workspace.founding.id]
    }
  }

  public mutating func sign(_ draft: EntryDraft) throws -> VerifiedEntry {
    let entry = try draft.sign(with: keyPair, following: chains[draft.database], in: workspace.id)
    chains[draft.database] = ChainLink(sequence: entry.header.sequence, id: entry.id)
    if draft.database == Directory.database { directoryEntries.append(entry.id) }
    return entry
  }

  public mutating func write(
    _ text: String, to document: DocumentID = .number(1), in database: DatabaseID = .number(1),
    kind: EntryKind = .documentChange, after dependencies: [EntryID] = []
  ) throws -> VerifiedEntry {
    try sign(.text(text, to: document, in: database, kind: kind, after: dependencies))
  }

  public mutating func grant(_ device: SigningKeyPair, _ role: DeviceRole) throws -> VerifiedEntry {
    try sign(
      EntryDraft(directory: .grant(device: try device.key, role: role, epoch: 1, sealedKeys: [], sealedName: [])))
  }

  public mutating func revoke(
    _ device: SigningKeyPair, upTo lastEntry: EntryID? = nil, keeping lastSequences: [DatabaseID: UInt64] = [:]
  ) throws -> VerifiedEntry {
    try sign(
      EntryDraft(
        directory: .revoke(
          device: try device.key, lastEntry: lastEntry ?? .zero, lastSequences: lastSequences)))
  }
}

extension EntryDraft {
  /// An entry whose payload is the text itself, which stores cannot tell from an encrypted one.
  public static func text(
    _ text: String, to document: DocumentID = .number(1), in database: DatabaseID = .number(1),
    kind: EntryKind = .documentChange, after dependencies: [EntryID] = []
  ) -> EntryDraft {
    EntryDraft(
      kind: kind, database: database, document: kind == .blobChunk ? .zero : document, keyEpoch: 1,
      payload: Array(text.utf8), dependencies: dependencies)
  }
}

extension Identifier16 {
  public static func number(_ number: UInt64) -> Self { Self(words: (1, number)) }
}

extension Identifier32 {
  public static func number(_ number: UInt64) -> Self { Self(words: (1, 0, 0, number)) }
}
