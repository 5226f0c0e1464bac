import FieldCore
import FieldDocuments
import FieldWire
import Sodium

/// A workspace with its founder, whose devices each have a store in memory.
struct TestWorkspace {
  struct Device {
    let keyPair: SigningKeyPair
    let store: InMemoryStore
    let keys: WorkspaceKeys

    func database(_ name: String = "notes") throws -> DocumentDatabase {
      try DocumentDatabase(name: name, store: store, keys: keys, keyPair: keyPair)
    }

    /// Takes everything that the other one has, in batches that a put may have.
    func pull(from other: Device) async throws {
      var cursor: StoreCursor?
      while true {
        let page = try await other.store.scan(since: cursor, limit: 20, filter: EntryFilter())
        _ = try await store.put(try await other.store.entries(page.listings.map(\.id)))
        cursor = page.next
        if !page.hasMore { return }
      }
    }
  }

  let founder: Device
  private let workspace: WorkspaceID

  init() async throws {
    let keyPair = SigningKeyPair()
    let nonce = SystemRandom.bytes(DirectoryOperation.foundingNonceByteCount)
    let key = DeviceKey(keyPair.publicKey) ?? .zero
    workspace = Directory.workspaceID(founder: key, nonce: nonce)
    let keys = WorkspaceKeys.generate()
    founder = Device(keyPair: keyPair, store: InMemoryStore(workspace: workspace), keys: keys)
    let operation = DirectoryOperation.found(nonce: nonce, sealedKeys: try keys.sealed(to: key), sealedName: [])
    try await append(operation)
  }

  /// Another member, whose store is empty but for the directory.
  func member() async throws -> Device {
    let keyPair = SigningKeyPair()
    let key = DeviceKey(keyPair.publicKey) ?? .zero
    try await append(.grant(device: key, role: .member, epoch: 1, sealedKeys: [], sealedName: []))
    let device = Device(keyPair: keyPair, store: InMemoryStore(workspace: workspace), keys: founder.keys)
    let page = try await founder.store.scan(
      since: nil, limit: 1000, filter: EntryFilter(scope: .database(Directory.database)))
    _ = try await device.store.put(try await founder.store.entries(page.listings.map(\.id)))
    return device
  }

  /// The founder, who may not have heard of all that the device wrote, ends it. The others learn of it by a pull.
  func revoke(_ device: Device) async throws {
    let key = DeviceKey(device.keyPair.publicKey) ?? .zero
    try await append(
      .revoke(device: key, lastEntry: .zero, lastSequences: try await founder.store.lastSequences(of: key)))
  }

  private func append(_ operation: DirectoryOperation) async throws {
    _ = try await founder.store.append(
      [EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)],
      signedBy: founder.keyPair)
  }
}
