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
    try DocumentDatabase(
      name: name, store: store, keys: keys, keyPair: identity.keyPair, former: identity.former)
  }

  /// A one-time way in for one device. It is written down before this returns.
  ///
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is an admin.
  public func invite(role: DeviceRole, lifetime: Duration) throws -> Invitation {
    try requireAdmin()
    let pending = try home.invitations.add(role: role, lifetime: lifetime)
    return Invitation(workspace: identity.workspace, admin: identity.device, secret: pending.secret)
  }

  /// A device that came out of a backup can be read; before it syncs, an admin lets it in again.
  ///
  /// - Throws: ``AgentError`` with `notAllowed`.
  public func requireAdmission() throws(AgentError) {
    guard role == nil, identity.isRestored else { return }
    throw AgentError(
      .notAllowed, "This device was restored from a backup and was not let in again yet.",
      hint: "Let it in on an admin's device with 'fieldsync invite', and run 'fieldsync join' here; where a shared key "
        + "lets in, run 'fieldsync join --shared-key'.")
  }

  /// Grants `device` a role and seals the keys to it that go with the role. A device that has the role already keeps
  /// it.
  ///
  /// - Returns: The entries that make it a member, the workspace's founding entry first.
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is an admin, `peerRefused` for a revoked device.
  public func admit(_ device: DeviceKey, named name: String, as role: DeviceRole) async throws -> [Entry] {
    var directory = try await store.directory()
    guard directory.role(of: identity.device) == .admin, let keys = identity.keys(in: directory) else {
      throw Self.notAdmin
    }
    guard !directory.isRevoked(device) else { throw AgentError(.peerRefused, "The device was revoked before.") }
    if directory.role(of: device).map({ $0 < role }) ?? true {
      let granted = role == .relay ? keys.withoutContent : keys
      let grant = DirectoryOperation.grant(
        device: device, role: role, epoch: keys.writing?.epoch ?? 0, sealedKeys: try granted.sealed(to: device),
        sealedName: try DeviceName.seal(name, of: device, with: keys))
      try await append(grant, to: directory)
      directory = try await store.directory()
    }
    return try await store.entries(directory.credential(of: device))
  }

  /// Ends a device's membership, for good: what it writes from now on counts nowhere, and a new key epoch starts that
  /// it has no key of. What it wrote before, as far as it has come here, stays. Where an earlier call was cut between
  /// the two, this one starts the epoch.
  ///
  /// - Returns: Whether the keys were replaced. Who revokes its own device leaves that to another admin.
  /// - Throws: ``AgentError`` with `notAllowed` unless this device is an admin and another one stays, `notFound` for a
  ///   device that is in the workspace no more or never was.
  @discardableResult
  public func revoke(_ device: DeviceKey) async throws -> Bool {
    let directory = try await store.directory()
    guard directory.role(of: identity.device) == .admin else { throw Self.notAdmin }
    if directory.isRevoked(device), try await startEpochIfNeeded() { return true }
    guard directory.role(of: device) != nil else {
      throw AgentError(
        .notFound, "There is no such device in the workspace\(directory.isRevoked(device) ? " any more" : "").",
        hint: "List them with 'fieldsync peers'.")
    }
    guard directory.admins != [device] else {
      throw AgentError(
        .notAllowed, "The workspace's last admin cannot be revoked.",
        hint: "Let another admin in first: 'fieldsync invite --role admin'.")
    }
    let lastSequences = try await store.lastSequences(of: device)
    try await append(directory.revocation(of: device, lastSequences: lastSequences), to: directory)
    return try await startEpochIfNeeded()
  }

  /// Starts a new key epoch where a revoked device holds a key of the present one: after a revocation, and where two
  /// admins revoked or rotated at once.
  ///
  /// - Returns: Whether it did.
  public func startEpochIfNeeded() async throws -> Bool {
    let directory = try await store.directory()
    guard directory.needsNewEpoch, directory.role(of: identity.device) == .admin,
      let keys = identity.keys(in: directory), keys.naming != nil
    else { return false }
    try await append(try directory.nextEpoch(after: keys), to: directory)
    return true
  }

  /// The keys as of now: directory entries that came since the opening may have brought some.
  public func currentKeys() async throws -> WorkspaceKeys {
    let directory = try await store.directory()
    guard directory.operationCount != self.directory.operationCount else { return keys }
    return identity.keys(in: directory) ?? keys
  }

  private func append(_ operation: DirectoryOperation, to directory: Directory) async throws {
    let draft = EntryDraft(
      kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded,
      dependencies: Array(directory.credential(of: identity.device).suffix(1)))
    _ = try await store.append([draft], signedBy: identity.keyPair)
  }

  /// The workspace's devices, this one included.
  public var members: [Member] {
    let petnames = (try? home.petnames.names()) ?? [:]
    return directory.devices.compactMap { device in
      directory.role(of: device).map { role in
        Member(device: device, role: role, petname: petnames[device], name: claimedName(of: device))
      }
    }
  }

  /// Devices that were members once.
  public var formerMembers: [Member] {
    let petnames = (try? home.petnames.names()) ?? [:]
    return directory.revokedDevices.map { device in
      Member(device: device, role: nil, petname: petnames[device], name: claimedName(of: device))
    }
  }

  private func claimedName(of device: DeviceKey) -> String? {
    directory.sealedName(of: device).flatMap { DeviceName.open($0, of: device, with: keys) }
  }

  /// The device that `text` means: its id, or what this device's user calls it.
  ///
  /// - Throws: ``AgentError`` with `invalidInput` for neither.
  public func device(_ text: String) throws -> DeviceKey {
    if let device = try? DeviceText.decode(text) { return device }
    let named = try home.petnames.names().filter { $0.value == text }
    if let device = named.first?.key { return device }
    throw AgentError(
      .invalidInput, "That is neither a device's id nor a name that you gave to one.",
      hint: "See 'fieldsync peers' for the ids; a wrong character is noticed.")
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
  /// `nil` for one that was revoked.
  public let role: DeviceRole?
  /// What this device's user calls it.
  public let petname: String?
  /// What it called itself when an admin let it in, if this device can read it. Somebody else's text: escape it.
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
