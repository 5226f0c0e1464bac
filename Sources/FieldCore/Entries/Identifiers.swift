public import FieldWire

public enum WorkspaceTag {}
public enum DatabaseTag {}
public enum DocumentTag {}
public enum DeviceTag {}
public enum EntryTag {}
public enum ContentTag {}

/// Who may sync and read together. Derived from the founding device's key (see ``Directory``).
public typealias WorkspaceID = Identifier32<WorkspaceTag>
/// A named set of entries in a workspace; a keyed hash of the name, so that a relay does not learn it.
public typealias DatabaseID = Identifier16<DatabaseTag>
/// A document in a database; a keyed hash of the name.
public typealias DocumentID = Identifier16<DocumentTag>
/// A device's Ed25519 public key.
public typealias DeviceKey = Identifier32<DeviceTag>
/// BLAKE2b-256 over an entry's header: names everything that the entry says.
public typealias EntryID = Identifier32<EntryTag>
/// BLAKE2b-256 over an entry's payload as stored (encrypted).
public typealias ContentHash = Identifier32<ContentTag>
