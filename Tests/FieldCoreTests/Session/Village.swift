import FieldCore
import FieldWire
import Sodium

/// A workspace with its founder and some members, each with a store of its own that knows them all.
struct Village {
  struct Resident {
    let keyPair: SigningKeyPair
    let store: InMemoryStore
    var device: DeviceKey { DeviceKey(keyPair.publicKey) ?? .zero }
  }

  let workspace: WorkspaceID
  let keys: WorkspaceKeys
  let database: DatabaseID
  private(set) var residents: [Resident] = []
  private let nonce: [UInt8]

  static func make(memberCount: Int) async throws -> Village {
    let founder = SigningKeyPair()
    let nonce = SystemRandom.bytes(DirectoryOperation.foundingNonceByteCount)
    let device = try required(DeviceKey(founder.publicKey))
    let workspace = Directory.workspaceID(founder: device, nonce: nonce)
    let keys = WorkspaceKeys.generate()
    let naming = try required(keys.naming)
    var village = Village(
      workspace: workspace, keys: keys, database: NameHasher(key: naming).database(named: "notes"), nonce: nonce)
    let store = InMemoryStore(workspace: workspace)
    _ = try await store.append(
      [village.draft(.found(nonce: nonce, sealedKeys: try keys.sealed(to: device), sealedName: []))], signedBy: founder)
    village.residents.append(Resident(keyPair: founder, store: store))
    for _ in 0..<memberCount {
      let member = SigningKeyPair()
      _ = try await village.grant(try required(DeviceKey(member.publicKey)))
      village.residents.append(Resident(keyPair: member, store: InMemoryStore(workspace: workspace)))
    }
    for resident in village.residents.dropFirst() { _ = try await resident.store.pull(from: store) }
    return village
  }

  mutating func replaceStore(of resident: Int, by store: InMemoryStore) {
    residents[resident] = Resident(keyPair: residents[resident].keyPair, store: store)
  }

  /// The same residents, each with a new store that holds what theirs holds now.
  func copy() async throws -> Village {
    var village = self
    for (index, resident) in residents.enumerated() {
      let store = InMemoryStore(workspace: workspace)
      _ = try await store.pull(from: resident.store)
      village.residents[index] = Resident(keyPair: resident.keyPair, store: store)
    }
    return village
  }

  private init(workspace: WorkspaceID, keys: WorkspaceKeys, database: DatabaseID, nonce: [UInt8]) {
    self.workspace = workspace
    self.keys = keys
    self.database = database
    self.nonce = nonce
  }

  var founder: Resident { residents[0] }

  /// A session of two residents, not running yet.
  ///
  /// - Returns: Its ends, of the one who opens it and of the other.
  func session(from opener: Resident, to answerer: Resident) async throws -> (near: Session, far: Session) {
    let (near, far) = MemoryConnection.pair()
    async let answered = SessionEstablisher(identity: answerer.keyPair, clock: ContinuousClock())
      .respond(on: far, with: [syncKey])
    let opened = try await SessionEstablisher(identity: opener.keyPair, clock: ContinuousClock())
      .initiate(on: near, with: syncKey)
    return (opened, try await answered)
  }

  func draft(_ operation: DirectoryOperation) -> EntryDraft {
    EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)
  }

  func grant(_ device: DeviceKey, role: DeviceRole = .member) async throws -> [VerifiedEntry] {
    try await founder.store.append(
      [draft(.grant(device: device, role: role, epoch: 1, sealedKeys: try keys.sealed(to: device), sealedName: []))],
      signedBy: founder.keyPair)
  }

  /// Writes entries at a resident's.
  func write(_ count: Int, at resident: Int, contentByteCount: Int = 40) async throws {
    let cipher = PayloadCipher(workspace: workspace, keyring: keys.keyring)
    var drafts: [EntryDraft] = []
    for _ in 0..<count {
      let document = try required(DocumentID(SystemRandom.bytes(16)))
      let (payload, epoch) = try cipher.seal(
        SystemRandom.bytes(contentByteCount), kind: .documentChange, database: database, document: document)
      drafts.append(
        EntryDraft(kind: .documentChange, database: database, document: document, keyEpoch: epoch, payload: payload))
    }
    for start in stride(from: 0, to: count, by: 200) {
      _ = try await residents[resident].store.append(
        Array(drafts[start..<min(start + 200, count)]), signedBy: residents[resident].keyPair)
    }
  }

  /// Writes a blob chunk of this many bytes at a resident's; its payload is a little larger.
  @discardableResult
  func writeBlob(_ byteCount: Int, at resident: Int) async throws -> VerifiedEntry {
    let cipher = PayloadCipher(workspace: workspace, keyring: keys.keyring)
    let (payload, epoch) = try cipher.seal(SystemRandom.bytes(byteCount), kind: .blobChunk, database: database)
    let draft = EntryDraft(kind: .blobChunk, database: database, keyEpoch: epoch, payload: payload)
    return try required(
      try await residents[resident].store.append([draft], signedBy: residents[resident].keyPair).first)
  }

  var syncKey: SessionKey { SessionKey(purpose: .sync, workspace: workspace, secret: keys.presenceKeys[0].key) }
}

struct MissingValue: Error {}

func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw MissingValue() }
  return value
}
