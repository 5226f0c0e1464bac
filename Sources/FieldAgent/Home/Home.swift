public import FieldCore
import FieldStore
import FieldWire
public import Sodium

/// A directory with everything that one device of one workspace is: `identity` (its keys), `store.sqlite` (the
/// entries), `invitations` and `code` (those it gave out), `petnames` (what its user calls other devices), and
/// `agent.lock`. Only its user may enter it.
public struct Home: Sendable {
  /// An absolute path.
  public let directory: String
  /// For keys that are under a passphrase.
  let passphrase: PassphraseSource
  /// What it costs to try a passphrase that is set from now on.
  let cost: PasswordHash.Cost

  public init(
    directory: String, passphrase: PassphraseSource = .none, cost: PasswordHash.Cost = .usual
  ) {
    self.passphrase = passphrase
    self.cost = cost
    self.directory = directory.hasSuffix("/") && directory != "/" ? String(directory.dropLast()) : directory
  }

  /// `$FIELDSYNC_HOME`, or `fieldsync` in the user's data directory as the XDG Base Directory Specification has it.
  public static func defaultDirectory(environment: [String: String]) -> String {
    if let home = environment["FIELDSYNC_HOME"], !home.isEmpty { return home }
    if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/fieldsync" }
    return (environment["HOME"] ?? "") + "/.local/share/fieldsync"
  }

  var identityPath: String { directory + "/identity" }
  var storePath: String { directory + "/store.sqlite" }
  var petnamesPath: String { directory + "/petnames" }
  private var agentLockPath: String { directory + "/agent.lock" }

  public var invitations: InvitationBook {
    InvitationBook(path: directory + "/invitations", lockPath: directory + "/invitations.lock")
  }

  public var code: CodeBook {
    CodeBook(path: directory + "/code", lockPath: directory + "/code.lock")
  }

  public var petnames: PetnameBook {
    PetnameBook(path: petnamesPath, lockPath: directory + "/petnames.lock")
  }

  /// Founds a workspace with this device as its first admin.
  ///
  /// - Throws: ``AgentError``, or the store's error.
  public func create(name: String) async throws -> OpenHome {
    let keyPair = SigningKeyPair()
    let nonce = SystemRandom.bytes(DirectoryOperation.foundingNonceByteCount)
    guard let device = DeviceKey(keyPair.publicKey) else { throw AgentError(.unexpected, "No device key was made.") }
    let workspace = Directory.workspaceID(founder: device, nonce: nonce)
    let keys = WorkspaceKeys.generate()
    let identity = try Identity(keyPair: keyPair, workspace: workspace, presence: keys.presence, name: name)
    try prepare()
    let store = try openStore(workspace)
    let founding = DirectoryOperation.found(
      nonce: nonce, sealedKeys: try keys.sealed(to: device),
      sealedName: try DeviceName.seal(name, of: device, with: keys))
    _ = try await store.append(
      [EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: founding.encoded)],
      signedBy: keyPair)
    // The identity comes last: a home with one is whole.
    try write(identity)
    return OpenHome(home: self, identity: identity, store: store, keys: keys, directory: try await store.directory())
  }

  /// A home that was restored and not let in again yet is open for reading.
  ///
  /// - Throws: ``AgentError`` with `notInitialized`, `permission`, `damaged`, `configuration`, `locked` or
  ///   `wrongPassphrase`, or the store's error.
  public func open() async throws -> OpenHome {
    let identity = try readIdentity()
    guard !identity.isJoining || identity.isRestored else {
      throw AgentError(
        .notAllowed, "This device is not a member of the workspace yet.",
        hint: "Finish joining: 'fieldsync join' with an invitation, while the inviting device is near.")
    }
    let store = try openStore(identity.workspace)
    let directory = try await store.directory()
    let keys =
      identity.keys(in: directory)
      ?? WorkspaceKeys(
        presenceKeys: identity.presence.map { [EpochKey(epoch: 1, key: $0)] } ?? [], naming: nil, contentKeys: [])
    return OpenHome(home: self, identity: identity, store: store, keys: keys, directory: directory)
  }

  /// - Throws: ``AgentError`` with `notInitialized`, `permission`, `damaged`, `configuration`, `locked` or
  ///   `wrongPassphrase`.
  public func readIdentity() throws -> Identity {
    var bytes = try identityBytes()
    defer { bytes.wipe() }
    guard IdentityLock.isLocked(bytes) else { return try Identity(decoding: bytes) }
    var plain = try IdentityLock.open(bytes, with: passphrase)
    defer { plain.wipe() }
    return try Identity(decoding: plain)
  }

  /// As they are on disk, under the passphrase if there is one.
  private func identityBytes() throws -> [UInt8] {
    let limit = Identity.fileByteLimit + IdentityLock.byteCount
    guard let bytes = try HomeFiles.read(identityPath, byteLimit: limit) else {
      throw AgentError(.notInitialized, "There is no workspace in '\(directory)'.")
    }
    return bytes
  }

  /// Whether the keys are under a passphrase.
  ///
  /// - Throws: ``AgentError`` with `notInitialized` or `permission`.
  public func isLocked() throws -> Bool {
    var bytes = try identityBytes()
    defer { bytes.wipe() }
    return IdentityLock.isLocked(bytes)
  }

  /// Puts the keys under a passphrase, changes it, or with `nil` takes it away. The file is replaced in one step.
  ///
  /// - Throws: ``AgentError`` as ``readIdentity()``, or `invalidInput` for a passphrase that is too short or too long.
  public func setPassphrase(_ new: SecretBytes?) throws {
    if let new { try PassphraseSource.check(new) }
    try write(try readIdentity(), under: new)
  }

  /// The identity that asks to be let into an invitation's workspace. Asking again, after a cut, is done as the same
  /// device, by the name that is given then.
  ///
  /// - Throws: ``AgentError`` with `alreadyInitialized` when the home is a member of a workspace, `invalidInput` for
  ///   the name.
  public func beginJoining(_ invitation: Invitation, name: String) throws -> Identity {
    try beginJoining(invitation.workspace, name: name) { $0.mayJoin && $0.workspace == invitation.workspace }
  }

  /// The identity that asks to be let in by a code; the workspace is known once that was done.
  ///
  /// - Throws: ``AgentError`` with `alreadyInitialized` when the home is a member of a workspace or has an invitation,
  ///   `invalidInput` for the name.
  public func beginJoiningByCode(name: String) throws -> Identity {
    try beginJoining(.zero, name: name) { $0.mayJoin && ($0.workspace == .zero || !$0.former.isEmpty) }
  }

  private func beginJoining(
    _ workspace: WorkspaceID, name: String, asThatOfBeforeIf mayGoOn: (Identity) -> Bool
  ) throws -> Identity {
    if HomeFiles.exists(identityPath) {
      let identity = try readIdentity()
      guard mayGoOn(identity) else { throw alreadyInitialized }
      guard identity.name != name else { return identity }
      let renamed = try identity.renamed(name)
      try write(renamed)
      return renamed
    }
    let identity = try Identity(keyPair: SigningKeyPair(), workspace: workspace, presence: nil, name: name)
    try prepare()
    try write(identity)
    return identity
  }

  /// What the device of this home is called; `nil` in an empty one.
  ///
  /// - Throws: ``AgentError`` as ``readIdentity()``.
  public func deviceName() throws -> String? { HomeFiles.exists(identityPath) ? try readIdentity().name : nil }

  /// Becomes a member by the directory entries that an admin sent: the chain of grants that ends in this device's.
  ///
  /// - Throws: ``AgentError`` with `protocolViolation` when they do not make it one.
  public func finishJoining(_ entries: [Entry]) async throws -> OpenHome {
    var joining = try readIdentity()
    if joining.workspace == .zero {
      guard let workspace = Directory.workspace(foundedBy: entries) else {
        throw AgentError(.protocolViolation, "The answer does not make this device a member of a workspace.")
      }
      joining = try joining.joining(workspace)
      try write(joining)
    }
    let store = try openStore(joining.workspace)
    _ = try await store.put(entries)
    let directory = try await store.directory()
    guard directory.role(of: joining.device) != nil, let presence = joining.keys(in: directory)?.presence
    else { throw AgentError(.protocolViolation, "The answer does not make this device a member of the workspace.") }
    try write(try joining.joined(presence: presence))
    let open = try await open()
    try await open.settleQuota()
    return open
  }

  /// Removes everything of this device: the keys first, so that what a cut leaves cannot be read. Files that are not a
  /// home's stay.
  ///
  /// - Throws: ``AgentError`` with `busy` while an agent runs, `notInitialized`, `cannotWrite`.
  public func wipe() throws {
    guard HomeFiles.exists(identityPath) else {
      throw AgentError(.notInitialized, "There is no workspace in '\(directory)'.")
    }
    let lock = try lockForAgent()
    defer { withExtendedLifetime(lock) {} }
    try HomeFiles.overwrite(identityPath)
    let secrets = ["code", "invitations"]
    for name in secrets { try HomeFiles.overwrite(directory + "/" + name) }
    try HomeFiles.remove(identityPath)
    for name in try HomeFiles.names(in: directory) where Self.fileNames.contains(where: name.hasPrefix) {
      try HomeFiles.remove(directory + "/" + name)
    }
  }

  /// What the names of a home's files begin with.
  private static let fileNames = [
    "agent", "backup", "code", "identity", "invitations", "petnames", "restor", "store.sqlite",
  ]

  /// Held by the agent as long as it runs.
  ///
  /// - Throws: ``AgentError`` with `busy` when another agent runs in this home.
  public func lockForAgent() throws -> HomeLock {
    try HomeLock.take(agentLockPath, whatFor: "this home: an agent runs")
  }

  public var isAgentRunning: Bool { HomeLock.isTaken(agentLockPath) }

  var alreadyInitialized: AgentError {
    AgentError(.alreadyInitialized, "'\(directory)' is the home of a workspace already.")
  }

  func prepare() throws {
    guard !HomeFiles.exists(identityPath) else { throw alreadyInitialized }
    guard !HomeFiles.exists(storePath) else {
      throw AgentError(
        .configuration, "'\(directory)' has a store and no identity.",
        hint: "Run 'fieldsync restore' again if it was interrupted, or use another directory with '--home DIR'.")
    }
    try HomeFiles.makeDirectory(directory)
  }

  /// The store makes its file, for this user alone. Nothing else here opens that file: whoever closes a descriptor of
  /// it gives up the locks that this process has on it by another ``OpenHome``.
  func openStore(_ workspace: WorkspaceID) throws -> SQLiteStore {
    try SQLiteStore(path: storePath, workspace: workspace)
  }

  /// Keys that are under a passphrase stay under it.
  func write(_ identity: Identity) throws {
    let isLocked = HomeFiles.exists(identityPath) ? try isLocked() : false
    try write(identity, under: isLocked ? try passphrase.passphrase() : nil)
  }

  private func write(_ identity: Identity, under passphrase: SecretBytes?) throws {
    var bytes = identity.encoded
    defer { bytes.wipe() }
    if let passphrase {
      let sealed = try IdentityLock.seal(bytes, with: passphrase, cost: cost)
      try HomeFiles.replace(identityPath, with: sealed, erasesOld: true)
    } else {
      try HomeFiles.replace(identityPath, with: bytes, erasesOld: true)
    }
  }
}
