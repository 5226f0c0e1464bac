public import FieldCore
import FieldStore
public import FieldWire
import Glibc
public import Sodium

/// What a backup became.
public struct RestoreSummary: Sendable {
  public let home: OpenHome
  public let contents: BackupContents
  public let madeAtSeconds: Int64
  public let entryCount: UInt64
  /// The key that was in the backup, with which nothing is signed any more.
  public let former: DeviceKey
  /// Whether the keys were under a passphrase, which they are no longer.
  public let wasLocked: Bool
}

extension Home {
  /// Makes this home, which has to be empty, of a backup.
  ///
  /// Nobody knows what the backup's key has signed since, so no chain of entries is gone on with: the restored device
  /// has a new key. An admin's key lets it in by a ``Warrant``, which takes no place in a chain; another device stays
  /// without a role, and can read, until an admin lets it in, or the shared key of a workspace that has one, see
  /// ``join(_:name:)``.
  ///
  /// - Parameters:
  ///   - passphrase: Asked once the file is known to be a backup.
  ///   - progress: Called with bytes read and bytes in all.
  /// - Throws: ``AgentError``: `alreadyInitialized`, `notFound`, `wrongPassphrase`, `damaged`, `cannotWrite`. Then
  ///   nothing was restored.
  public func restore(
    from path: String, passphrase: () throws -> SecretBytes,
    progress: (_ done: UInt64, _ total: UInt64) throws -> Void = { _, _ in }
  ) async throws -> RestoreSummary {
    guard !HomeFiles.exists(identityPath) else { throw alreadyInitialized }
    let reader = try SealedFile.Reader(path: path, passphrase: passphrase)
    var length = WireReader(try reader.read(4))
    let manifestByteCount = Int(try length.u32())
    guard manifestByteCount <= BackupManifest.byteLimit else { throw AgentError(.damaged, "The backup is damaged.") }
    var encoded = try reader.read(manifestByteCount)
    defer { encoded.wipe() }
    var manifest = try BackupManifest(decoding: encoded)
    defer { manifest.identity.wipe() }
    let old = try Identity(decoding: manifest.identity)

    try HomeFiles.makeDirectory(directory)
    let lock = try HomeLock.take(directory + "/restore.lock", whatFor: "this home: another restore runs")
    defer { withExtendedLifetime(lock) {} }
    guard !HomeFiles.exists(identityPath) else { throw alreadyInitialized }
    // A restore that was cut behind its last step but one left a store that nobody has written to.
    if HomeFiles.exists(restoringPath) { try Self.removeStore(storePath) }
    guard !HomeFiles.exists(storePath) else { throw alreadyInitialized }
    let copy = storePath + ".restoring"
    try Self.removeStore(copy)
    defer { try? Self.removeStore(copy) }
    try receiveStore(from: reader, byteCount: manifest.storeByteCount, at: copy, progress: progress)
    let (identity, entryCount) = try await Self.takeOver(copy, from: old)

    try HomeFiles.touch(restoringPath)
    try HomeFiles.rename(copy, to: storePath)
    if !manifest.petnames.isEmpty { try HomeFiles.replace(petnamesPath, with: manifest.petnames) }
    try write(identity)
    try HomeFiles.remove(restoringPath)
    return RestoreSummary(
      home: try await open(), contents: manifest.contents, madeAtSeconds: manifest.madeAtSeconds,
      entryCount: entryCount, former: old.device, wasLocked: manifest.wasLocked)
  }

  private var restoringPath: String { directory + "/restoring" }

  private func receiveStore(
    from reader: SealedFile.Reader, byteCount: UInt64, at path: String,
    progress: (_ done: UInt64, _ total: UInt64) throws -> Void
  ) throws {
    try HomeFiles.touch(path)
    let file = Glibc.open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw HomeFiles.failure("write", path) }
    defer { close(file) }
    var done: UInt64 = 0
    while done < byteCount {
      try progress(done, byteCount)
      let bytes = try reader.read(Int(min(byteCount - done, UInt64(SealedFile.chunkByteCount))))
      guard HomeFiles.writeAll(bytes, to: file) else { throw HomeFiles.failure("write", path) }
      done += UInt64(bytes.count)
    }
    try reader.finish()
    guard fsync(file) == 0 else { throw HomeFiles.failure("write", path) }
    try progress(done, byteCount)
  }

  /// Checks a copied store and makes it that of a new device.
  private static func takeOver(_ path: String, from old: Identity) async throws -> (Identity, entryCount: UInt64) {
    let store = try SQLiteStore(path: path, workspace: old.workspace)
    let problems = try await store.verify()
    guard problems.isEmpty else {
      throw AgentError(.damaged, "The store in the backup was damaged when it was made: \(problems[0]).")
    }
    try await store.beginEpoch()
    let entryCount = try await store.head().entryCount
    var identity = try old.renewed()
    let directory = try await store.directory()
    if directory.role(of: old.device) == .admin, let keys = old.keys(in: directory), let presence = keys.presence {
      let warrant = Warrant(
        for: identity.device, as: .admin, epoch: keys.writing?.epoch ?? 0,
        sealedKeys: try keys.sealed(to: identity.device),
        sealedName: try DeviceName.seal(identity.name, of: identity.device, with: keys),
        signedBy: old.keyPair, in: old.workspace)
      _ = try await store.append([warrant.draft], signedBy: identity.keyPair)
      identity = try identity.joined(presence: presence)
    }
    // Only the file itself is moved to its place.
    try await store.gather()
    try await store.close()
    return (identity, entryCount)
  }
}
