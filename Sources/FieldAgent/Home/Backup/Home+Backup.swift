public import FieldCore
import FieldStore
public import FieldWire
import Glibc
public import Sodium

/// What a finished backup is.
public struct BackupSummary: Sendable {
  public let device: DeviceKey
  public let contents: BackupContents
  /// Entries in it, the directory's included.
  public let entryCount: UInt64
  public let byteCount: Int
}

extension Home {
  /// Writes one file with what this device is, under a passphrase, as of one moment, while an agent runs or not.
  ///
  /// Invitations are left out: what was used up since must not come back.
  ///
  /// - Parameter progress: Called with bytes written and bytes in all.
  /// - Throws: ``AgentError``: `notInitialized`, `notAllowed` before the device is a member, `invalidInput` for a
  ///   passphrase that is too short, `cannotWrite`, `busy`. Then there is no file.
  public func backup(
    _ contents: BackupContents, to path: String, passphrase: SecretBytes,
    progress: (_ done: UInt64, _ total: UInt64) throws -> Void = { _, _ in }
  ) async throws -> BackupSummary {
    try PassphraseSource.check(passphrase)
    let open = try await open()
    let lock = try HomeLock.take(directory + "/backup.lock", whatFor: "this home: another backup is being made")
    defer { withExtendedLifetime(lock) {} }
    let snapshot = directory + "/store.sqlite.backup"
    try Self.removeStore(snapshot)
    defer { try? Self.removeStore(snapshot) }
    try HomeFiles.touch(snapshot)
    switch contents {
    case .everything: try await open.store.snapshot(to: snapshot)
    case .identity: try await open.copyDirectory(to: snapshot)
    }
    let copy = try SQLiteStore(path: snapshot, workspace: open.identity.workspace)
    let entryCount = try await copy.head().entryCount
    try await copy.gather()
    try await copy.close()

    let file = Glibc.open(snapshot, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw HomeFiles.failure("read", snapshot) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw HomeFiles.failure("read", snapshot) }
    let total = UInt64(clamping: status.st_size)
    var manifest = BackupManifest(
      contents: contents, madeAtSeconds: ClockReading.now().wallSeconds, wasLocked: try isLocked(),
      identity: open.identity.encoded, petnames: try petnames.fileBytes(), storeByteCount: total)
    var encoded = manifest.encoded
    defer {
      encoded.wipe()
      manifest.identity.wipe()
    }
    let writer = try SealedFile.Writer(path: path, passphrase: passphrase, cost: cost)
    var length = WireWriter()
    length.u32(UInt32(encoded.count))
    try writer.write(length.bytes)
    try writer.write(encoded)
    var done: UInt64 = 0
    while done < total {
      try progress(done, total)
      let bytes = try HomeFiles.read(SealedFile.chunkByteCount, from: file, snapshot)
      guard !bytes.isEmpty else { throw AgentError(.unexpected, "The copy of the store became shorter.") }
      try writer.write(bytes)
      done += UInt64(bytes.count)
    }
    try writer.finish()
    try progress(done, total)
    guard stat(path, &status) == 0 else { throw HomeFiles.failure("read", path) }
    return BackupSummary(
      device: open.identity.device, contents: contents, entryCount: entryCount, byteCount: Int(status.st_size))
  }

  static func removeStore(_ path: String) throws {
    for suffix in ["", "-wal", "-shm", "-journal"] { try HomeFiles.remove(path + suffix) }
  }
}

extension OpenHome {
  /// A store with nothing but who belongs to the workspace.
  fileprivate func copyDirectory(to path: String) async throws {
    let copy = try SQLiteStore(path: path, workspace: identity.workspace)
    let filter = EntryFilter(scope: .database(Directory.database))
    var cursor: StoreCursor?
    while true {
      let page = try await store.scan(since: cursor, limit: 256, filter: filter)
      var ids = page.listings.map(\.id)[...]
      while !ids.isEmpty {
        // As many as fit into one answer.
        let entries = try await store.entries(Array(ids))
        guard !entries.isEmpty, try await copy.put(entries).allSatisfy({ $0 == .stored }) else {
          throw AgentError(.damaged, "An entry of the directory is not valid.")
        }
        ids = ids.dropFirst(entries.count)
      }
      guard page.hasMore else { break }
      cursor = page.next
    }
    try await copy.close()
  }
}
