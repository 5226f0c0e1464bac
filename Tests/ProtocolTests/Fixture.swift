@testable import FieldCore
@testable import FieldDocuments
import FieldWire
import Sodium

/// The fixed inputs of the vectors: a workspace of two devices, its keys, and four entries.
///
/// Every key is bytes that count up from a first one, so that a reader of the document can type them.
struct Fixture {
  let founder: SigningKeyPair
  let member: SigningKeyPair
  let founderKey: DeviceKey
  let memberKey: DeviceKey
  let workspace: WorkspaceID
  let keys: WorkspaceKeys
  let contentKey: SecretBytes

  let foundingNonce = counting(from: 0xa0, 16)
  let invitationSecret = counting(from: 0xf0, 16)
  let epoch = StoreEpoch(rawValue: 0x0102_0304_0506_0708)

  // Sealing draws a random key, so these boxes were made once.
  static let keysSealedToFounder =
    "3c13b81c193e762ce0066d5e371a07d29c329b2cfe9a3214fbc90a9de6b2d963092535fee87282654172ce2e45fcdf95cc82"
    + "d6e4b3a77b0ef88da05171f4667aadf506402b908bef21ee7e34dae4743a0a6daec4aa91af889960f0430375724e29925707"
    + "d6e00854ebc33e8e860da8804fd96cdb11510655b1e6e270babe7f003d8ce92a03609ae1b225c08c6df3a7d9f92cd6042a04"
    + "8722290775"
  static let keysSealedToMember =
    "de8b5f3e21e35e91509ed2b2b1a2618509a35c73569cb14a4c861667f6e00a73e0e75824879f445a16ef58643342774ab12d"
    + "7296df25046445899b8484624b95db13838ee54946be8d5bfc5687d719e076ec1d675128fcd5d5fb6e9947768e3b7347b793"
    + "15272ae8125068968a3f7fa0bab1f459db2e1ff8a85a0dddba3afa6352d808cb82e694034ee6ccba33d7e73cf0fa06b3950e"
    + "a37a1b7702"
  static let nextKeysSealedToFounder =
    "8a45fb550630bbc14866f6a40bb98c33d270c159d0081beec8cb7dd821da0f541f0bf4a7a09b420919b2b87f36ef23f84907"
    + "a8a543a691ed4544c264832701c7756c75f0181c9164eb33d1905679d1313fc9efcb0ed2a0b86dfd1491445d8a715beb4273"
    + "2b7be9cc8d396fb8bea11a62b97439a84679a7cd39979b3e15ed9ac44f02570987f7c959fe26cca7cc93635c1a984db7b612"
    + "6c20ada427"

  init() throws {
    founder = try SigningKeyPair(seed: SecretBytes(copying: counting(from: 0x00)))
    member = try SigningKeyPair(seed: SecretBytes(copying: counting(from: 0x20)))
    founderKey = try required(DeviceKey(founder.publicKey))
    memberKey = try required(DeviceKey(member.publicKey))
    workspace = Directory.workspaceID(founder: founderKey, nonce: foundingNonce)
    contentKey = SecretBytes(copying: counting(from: 0x80))
    keys = WorkspaceKeys(
      presence: SecretBytes(copying: counting(from: 0x40)), naming: SecretBytes(copying: counting(from: 0x60)),
      content: contentKey)
  }

  // MARK: Entries

  var names: NameHasher { get throws { NameHasher(key: try required(keys.naming)) } }

  /// A device's name as ``DirectoryOperation`` carries it, with a nonce that is not random.
  func sealedName(_ name: String, of device: DeviceKey) throws -> [UInt8] {
    var writer = WireWriter()
    writer.u32(1)
    writer.raw(counting(from: 0xb0, 24))
    writer.raw(
      try XChaCha20Poly1305.seal(
        Array(name.utf8), nonce: counting(from: 0xb0, 24),
        additionalData: Array("fieldsync device name 1\0".utf8) + device.bytes, key: contentKey))
    return writer.bytes
  }

  func founding() throws -> DirectoryOperation {
    .found(
      nonce: foundingNonce, sealedKeys: try required(Hexadecimal.decode(Self.keysSealedToFounder)),
      sealedName: try sealedName("laptop", of: founderKey))
  }

  func grant() throws -> DirectoryOperation {
    .grant(
      device: memberKey, role: .member, epoch: 1, sealedKeys: try required(Hexadecimal.decode(Self.keysSealedToMember)),
      sealedName: try sealedName("phone", of: memberKey))
  }

  /// The grant as the founder signs it outside of its chain.
  func warrant() throws -> Warrant {
    Warrant(
      for: memberKey, as: .member, epoch: 1, sealedKeys: try required(Hexadecimal.decode(Self.keysSealedToMember)),
      sealedName: try sealedName("phone", of: memberKey), signedBy: founder, in: workspace)
  }

  /// The keys of epoch 2.
  var nextKeys: WorkspaceKeys {
    WorkspaceKeys(
      presence: SecretBytes(copying: counting(from: 0xc0)), naming: SecretBytes(copying: counting(from: 0x60)),
      content: SecretBytes(copying: counting(from: 0xe0)), epoch: 2)
  }

  /// The epoch that follows the member's revocation, for the founder alone. The history is sealed a second time, with a
  /// nonce that is not random.
  func nextEpoch() throws -> DirectoryOperation {
    var history = WireWriter()
    history.keys(keys.contentKeys)
    let nonce = counting(from: 0xb0, 24)
    let sealed = try XChaCha20Poly1305.seal(
      history.bytes, nonce: nonce,
      additionalData: Array("fieldsync key history 1\0".utf8) + workspace.bytes,
      key: SecretBytes(copying: counting(from: 0xe0)))
    return .epoch(
      number: 2, history: nonce + sealed,
      boxes: [founderKey: try required(Hexadecimal.decode(Self.nextKeysSealedToFounder))])
  }

  func change() throws -> ChangeRecord {
    try ChangeRecord(
      name: "today", clock: 1,
      set: [
        "text": .text("Well 7 is dry"), "depth": .integer(-12), "level": .double(0.5), "dry": .bool(true), "by": .null,
        "raw": .bytes([1, 2, 3]),
        "photo": .attachment(
          try required(Attachment(name: "well.jpg", byteCount: 11, chunks: [ContentHash(hash: try blob())]))),
      ], remove: ["old"])
  }

  func blob() throws -> [UInt8] {
    try PayloadCipher(workspace: workspace, keyring: keys.keyring)
      .seal(Array("hello, blob".utf8), kind: .blobChunk, database: try names.database(named: "notes")).payload
  }

  /// As `PayloadCipher` does it, written a second time and with a nonce that is not random.
  func payload(_ content: [UInt8], kind: EntryKind) throws -> [UInt8] {
    let nonce = counting(from: 0xd0, 24)
    let database = try names.database(named: "notes")
    let additionalData =
      Array("fieldsync payload 1\0".utf8) + workspace.bytes + [kind.rawValue] + database.bytes
      + (try names.document(named: "today", in: database).bytes)
    return nonce
      + (try XChaCha20Poly1305.seal(
        Padding.pad(content), nonce: nonce, additionalData: additionalData, key: contentKey))
  }

  /// The founding entry, the member's grant, a change and the deletion that follows it, with their ids.
  func entries() throws -> [(id: EntryID, entry: Entry)] {
    let first = try signed(.directory, by: founder, following: nil, try founding().encoded)
    let second = try signed(.directory, by: founder, following: first, try grant().encoded, after: [first.id])
    let third = try signed(
      .documentChange, by: member, following: nil, try payload(try change().encoded, kind: .documentChange))
    let deletion = try ChangeRecord(name: "today", clock: 2)
    let fourth = try signed(
      .delete, by: member, following: third, try payload(deletion.encoded, kind: .delete), after: [third.id])
    return [first, second, third, fourth].map { ($0.id, $0.entry) }
  }

  private func signed(
    _ kind: EntryKind, by author: SigningKeyPair, following last: VerifiedEntry?, _ payload: [UInt8],
    after dependencies: [EntryID] = []
  ) throws -> VerifiedEntry {
    let database = kind == .directory ? Directory.database : try names.database(named: "notes")
    let draft = EntryDraft(
      kind: kind, database: database,
      document: kind == .directory ? .zero : try names.document(named: "today", in: database),
      keyEpoch: kind == .directory ? 0 : 1, payload: payload, dependencies: dependencies)
    return try draft.sign(
      with: author, following: last.map { ChainLink(sequence: $0.header.sequence, id: $0.id) }, in: workspace)
  }

  // MARK: Session

  var syncKey: SessionKey { SessionKey(purpose: .sync, workspace: workspace, secret: keys.presenceKeys[0].key) }

  struct Handshake {
    var messages: [[UInt8]]
    var initiator: SessionSecrets
    var responder: SessionSecrets
  }

  /// The member dials the founder, with X25519 keys that are not random.
  func handshake() throws -> Handshake {
    var initiator = try SessionHandshake(
      initiatorWith: syncKey, identity: member, keyPairs: try keyPairs(fixed: 0x01, ephemeral: 0x21))
    var responder = try SessionHandshake(
      responderWith: [syncKey], identity: founder, keyPairs: try keyPairs(fixed: 0x41, ephemeral: 0x61))
    let first = try initiator.start()
    guard case .send(let second) = try responder.received(first),
      case .established(let ofInitiator, let third?) = try initiator.received(second),
      case .established(let ofResponder, nil) = try responder.received(third)
    else { throw Missing() }
    return Handshake(messages: [first, second, third], initiator: ofInitiator, responder: ofResponder)
  }

  private func keyPairs(fixed: UInt8, ephemeral: UInt8) throws -> SessionHandshake.KeyPairs {
    SessionHandshake.KeyPairs(
      staticKeyPair: try AgreementKeyPair(secret: SecretBytes(copying: counting(from: fixed))),
      ephemeral: try AgreementKeyPair(secret: SecretBytes(copying: counting(from: ephemeral))))
  }

  func head() throws -> StoreHead {
    var digest = SetDigest()
    for (id, _) in try entries() { digest.insert(id) }
    return StoreHead(epoch: epoch, arrival: 4, entryCount: 4, digest: digest.value)
  }

  func state() throws -> StateNotice {
    let head = try head()
    return StateNotice(
      head: head, root: try handshake().initiator.root(of: head), pulledThrough: 0, isExact: false, wantedCount: 0)
  }
}

func counting(from first: UInt8, _ count: Int = 32) -> [UInt8] {
  (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
}

struct Missing: Error {}

func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw Missing() }
  return value
}
