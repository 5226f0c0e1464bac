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
    "27fa3b04669b9970ab0848aeead096d7ea784d1b58da37332742614922c611504fac4a61cc943f63dee5cc08e9763e990e91"
    + "0f180a8a794c0803776a7ad3923bf45074172d018852c9a5b2304dc9b2beda114248a2ffd405f4be753644e34ac09fff51a7"
    + "5cf72486e5d0dff8c20e7bb4d062234937a79640c3d17c4bea5faea525ff5d5291e36f39fcad590059392b6e78ea5b72ea22"
  static let keysSealedToMember =
    "b6a70971a106a873b5d0aef118775777faaa03996e29c5c87a04c0dba866ee41c2f573bd8d2f5af4dd25dd033f16db2f8603"
    + "88fb3c6106cf2f9976f08d667c7e40ceeb67972ea5c5a3bf4999fb44aa8de1f79822cb4e803502f32bf01f646fa531c253ed"
    + "8998fe8b6eede7c43e9b4183ad38fce0f597e845d2fd129642de2c9511e5a02cd7b3e88d7e777e63cd9d4c54e8742dc9f7cf"

  init() throws {
    founder = try SigningKeyPair(seed: SecretBytes(copying: counting(from: 0x00)))
    member = try SigningKeyPair(seed: SecretBytes(copying: counting(from: 0x20)))
    founderKey = try required(DeviceKey(founder.publicKey))
    memberKey = try required(DeviceKey(member.publicKey))
    workspace = Directory.workspaceID(founder: founderKey, nonce: foundingNonce)
    contentKey = SecretBytes(copying: counting(from: 0x80))
    keys = WorkspaceKeys(
      presence: SecretBytes(copying: counting(from: 0x40)), naming: SecretBytes(copying: counting(from: 0x60)),
      epochs: [1: contentKey])
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
      device: memberKey, role: .member, sealedKeys: try required(Hexadecimal.decode(Self.keysSealedToMember)),
      sealedName: try sealedName("phone", of: memberKey))
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

  var syncKey: SessionKey { SessionKey(purpose: .sync, workspace: workspace, secret: keys.presence) }

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
