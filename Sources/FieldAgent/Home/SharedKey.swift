import FieldCore
import FieldStore
import FieldWire
public import Sodium

/// The key of a workspace that whoever has it belongs to: 64 hexadecimal digits, 32 random bytes. Everything else is
/// made of it, so no device has to be near for another to join.
///
/// The workspace's founder is a key pair made of the key; every holder has it, and so signs a ``FieldCore/Warrant`` for
/// its own device. The founding entry comes out the same for everybody. Nobody is ever put out: who was told the key
/// has it, reads all and lets in whom it likes. For more, use a workspace with invitations.
///
/// Derived, with BLAKE2b-256 keyed with the key over a domain string: the founder's Ed25519 seed, the workspace's nonce
/// (the first 16 bytes), presence, naming and content key of epoch 1, and the nonce of the founder's sealed name.
public struct SharedKey: Sendable {
  public static let byteCount = 32

  private let secret: SecretBytes

  private init(_ secret: SecretBytes) { self.secret = secret }

  public static func random() -> SharedKey { SharedKey(.random(byteCount: byteCount)) }

  /// Reads 64 hexadecimal digits, in either case; white space around them is not part of them.
  ///
  /// - Throws: ``AgentError`` with `invalidInput`, which does not repeat the text.
  public init(text: SecretBytes) throws(AgentError) {
    var digits = text.withUnsafeBytes { Array($0) }
    defer { digits.wipe() }
    let space = Set(" \t\r\n".utf8)
    var trimmed = Array(digits.drop { space.contains($0) })
    defer { trimmed.wipe() }
    while let last = trimmed.last, space.contains(last) { trimmed.removeLast() }
    guard trimmed.count == 2 * Self.byteCount, var bytes = Hexadecimal.decode(String(decoding: trimmed, as: UTF8.self))
    else {
      throw AgentError(
        .invalidInput, "A shared key has \(2 * Self.byteCount) hexadecimal digits.",
        hint: "Copy the whole line that 'fieldsync init --shared' printed.")
    }
    defer { bytes.wipe() }
    guard bytes.contains(where: { $0 != bytes[0] }) else {
      throw AgentError(.invalidInput, "That is no random key.", hint: "Make one with 'fieldsync init --shared'.")
    }
    self.init(SecretBytes(copying: bytes))
  }

  /// A secret, to show to the user who is to give it to others.
  public var text: String { secret.withUnsafeBytes { Hexadecimal.encode(Array($0)) } }

  private func derived(_ use: StaticString) -> SecretBytes {
    let domain = Array("fieldsync shared key 1 ".utf8) + use.withUTF8Buffer { Array($0) } + [0]
    var bytes = Blake2b.hash(domain, key: secret)
    defer { bytes.wipe() }
    return SecretBytes(copying: bytes)
  }

  func founder() throws -> SigningKeyPair { try SigningKeyPair(seed: derived("founder")) }

  var nonce: [UInt8] {
    derived("workspace").withUnsafeBytes { Array($0.prefix(DirectoryOperation.foundingNonceByteCount)) }
  }

  var keys: WorkspaceKeys {
    WorkspaceKeys(presence: derived("presence"), naming: derived("naming"), content: derived("content"))
  }

  /// The first entry of the workspace, the same for every holder. It seals nothing to the founder, whose keys are made
  /// of the key.
  func founding() throws -> VerifiedEntry {
    let founder = try founder()
    guard let device = DeviceKey(founder.publicKey) else { throw AgentError(.unexpected, "No device key was made.") }
    let nameNonce = derived("name").withUnsafeBytes { Array($0.prefix(DeviceName.nonceByteCount)) }
    let operation = DirectoryOperation.found(
      nonce: nonce, sealedKeys: [],
      sealedName: try DeviceName.seal("shared key", of: device, with: keys, nonce: nameNonce))
    let draft = EntryDraft(
      kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)
    return try draft.sign(
      with: founder, following: nil, in: Directory.workspaceID(founder: device, nonce: nonce))
  }
}

extension Home {
  /// Makes this home a device of the workspace that `key` stands for; nobody else has to be there. The home is empty,
  /// or was restored from a backup of that workspace: then what it holds stays, and its new key is let in.
  ///
  /// - Throws: ``AgentError`` with `alreadyInitialized` or `invalidInput`, or the store's error.
  public func join(_ key: SharedKey, name: String) async throws -> OpenHome {
    let founder = try key.founder()
    let keys = key.keys
    guard let founderKey = DeviceKey(founder.publicKey), let presence = keys.presence else {
      throw AgentError(.unexpected, "No device key was made.")
    }
    let workspace = Directory.workspaceID(founder: founderKey, nonce: key.nonce)
    var identity: Identity
    if HomeFiles.exists(identityPath) {
      identity = try readIdentity()
      guard identity.isRestored, identity.workspace == workspace else { throw alreadyInitialized }
      identity = try identity.renamed(name)
    } else {
      identity = try Identity(keyPair: SigningKeyPair(), workspace: workspace, presence: nil, name: name)
      try prepare()
    }
    let store = try openStore(workspace)
    // A restored store has it.
    let outcome = try await store.put([try key.founding().entry])
    guard outcome == [.stored] || outcome == [.duplicate] else {
      throw AgentError(.unexpected, "The workspace could not be founded.")
    }
    // A restored home whose joining was cut has its warrant, and a chain has room for one.
    if try await store.directory().role(of: identity.device) == nil {
      let warrant = Warrant(
        for: identity.device, as: .member, epoch: 1, sealedKeys: try keys.sealed(to: identity.device),
        sealedName: try DeviceName.seal(name, of: identity.device, with: keys), signedBy: founder, in: workspace)
      _ = try await store.append([warrant.draft], signedBy: identity.keyPair)
    }
    // The identity comes last: a home with one is whole.
    identity = try identity.joined(presence: presence)
    try write(identity)
    return OpenHome(home: self, identity: identity, store: store, keys: keys, directory: try await store.directory())
  }
}

extension OpenHome {
  /// Whether a shared key lets into this workspace: its founding entry seals nothing to its founder.
  public func isOfSharedKey() async throws -> Bool {
    guard let admin = directory.admins.first, let founding = directory.credential(of: admin).first,
      let entry = try await store.entries([founding]).first,
      case .found(_, let sealedKeys, _) = try DirectoryOperation(decoding: entry.payload)
    else { return false }
    return sealedKeys.isEmpty
  }
}
