public import FieldCore
public import FieldDocuments
public import FieldStore
public import FieldWire

/// A home whose device is in a workspace: its store and its keys.
public struct OpenHome: Sendable {
  public let home: Home
  public let identity: Identity
  public let store: SQLiteStore
  public let keys: WorkspaceKeys
  /// As of the opening.
  public let directory: Directory

  public var role: DeviceRole? { directory.role(of: identity.device) }

  /// - Throws: ``AgentError`` or ``DocumentError``: `noContentKeys` on a relay, `invalidName`.
  public func database(named name: String) throws -> DocumentDatabase {
    try DocumentDatabase(name: name, store: store, keys: keys, keyPair: identity.keyPair)
  }

  /// A one-time way in for one device. It is written down before this returns.
  ///
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is an admin.
  public func invite(role: DeviceRole, lifetime: Duration) throws -> Invitation {
    try requireAdmin()
    let pending = try home.invitations.add(role: role, lifetime: lifetime)
    return Invitation(workspace: identity.workspace, admin: identity.device, secret: pending.secret)
  }

  /// Grants `device` a role and seals the keys to it that go with the role. A device that has the role already keeps
  /// it.
  ///
  /// - Returns: The entries that make it a member, the workspace's founding entry first.
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is an admin, `peerRefused` for a revoked device.
  public func admit(_ device: DeviceKey, named name: String, as role: DeviceRole) async throws -> [Entry] {
    var directory = try await store.directory()
    guard directory.role(of: identity.device) == .admin else { throw Self.notAdmin }
    guard !directory.isRevoked(device) else { throw AgentError(.peerRefused, "The device was revoked before.") }
    if directory.role(of: device).map({ $0 < role }) ?? true {
      let granted = role == .relay ? keys.withoutContent : keys
      let grant = DirectoryOperation.grant(
        device: device, role: role, sealedKeys: try granted.sealed(to: device),
        sealedName: try DeviceName.seal(name, of: device, with: keys))
      _ = try await store.append(
        [
          EntryDraft(
            kind: .directory, database: Directory.database, keyEpoch: 0, payload: grant.encoded,
            dependencies: Array(directory.credential(of: identity.device).suffix(1)))
        ], signedBy: identity.keyPair)
      directory = try await store.directory()
    }
    return try await store.entries(directory.credential(of: device))
  }

  /// The workspace's devices, this one included.
  public var members: [Member] {
    directory.devices.compactMap { device in
      directory.role(of: device).map { role in
        Member(
          device: device, role: role,
          name: directory.sealedName(of: device).flatMap { DeviceName.open($0, of: device, with: keys) })
      }
    }
  }

  private func requireAdmin() throws {
    guard role == .admin else { throw Self.notAdmin }
  }

  private static var notAdmin: AgentError {
    AgentError(
      .notAllowed, "This device is not an admin of the workspace, so it cannot let others in.",
      hint: "Run 'fieldsync invite' on an admin's device.")
  }
}

/// A device of the workspace.
public struct Member: Hashable, Sendable {
  public let device: DeviceKey
  public let role: DeviceRole
  /// The name that the granting admin wrote down, if this device can read it. Somebody else's text: escape it.
  public let name: String?
}

/// What a database amounts to.
public struct DatabaseSummary: Hashable, Sendable {
  public let id: DatabaseID
  /// `nil` where this device cannot know it.
  public let name: String?
  public let entryCount: UInt64
  /// Hexadecimal; equal on two devices exactly when they hold the same entries of the database.
  public let digest: String
}

extension OpenHome {
  /// The databases that have entries, by name; the directory's is left out.
  public func databaseSummaries() async throws -> [DatabaseSummary] {
    let names = try await DatabaseCatalog.names(in: store, keys: keys)
    return try await store.databases()
      .filter { $0.key != Directory.database }
      .map { id, head in
        DatabaseSummary(
          id: id, name: names[id] ?? nil, entryCount: head.entryCount, digest: Hexadecimal.encode(head.digest))
      }
      .sorted { ($0.name ?? "", $0.id) < ($1.name ?? "", $1.id) }
  }
}
