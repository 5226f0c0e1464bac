public import FieldCore
public import FieldWire
public import Sodium

/// A workspace that is the same whenever it is made from the same number, in whichever process.
public struct TestWorkspace: Sendable {
  public let id: WorkspaceID
  /// The founding device. Its entry is ``founding``, so its next one in the directory has sequence 2.
  public let founder: SigningKeyPair
  public let founding: VerifiedEntry

  public init(number: UInt8 = 1) throws {
    founder = try Self.device(number)
    let nonce = [UInt8](repeating: number, count: DirectoryOperation.foundingNonceByteCount)
    id = Directory.workspaceID(founder: try founder.key, nonce: nonce)
    let operation = DirectoryOperation.found(nonce: nonce, sealedKeys: [], sealedName: [])
    founding = try EntryDraft(directory: operation).sign(with: founder, following: nil, in: id)
  }

  /// The device with this number, a member of nothing yet.
  public static func device(_ number: UInt8) throws -> SigningKeyPair {
    try SigningKeyPair(seed: SecretBytes(copying: [UInt8](repeating: number, count: SigningKeyPair.seedByteCount)))
  }

  /// The founding entry, and one grant for each of `devices`.
  public func directory(granting devices: [(device: SigningKeyPair, role: DeviceRole)]) throws -> [Entry] {
    var admin = try TestAuthor(founder, in: self)
    return try [founding.entry] + devices.map { try admin.grant($0.device, $0.role).entry }
  }
}

extension SigningKeyPair {
  public var key: DeviceKey {
    get throws { try DeviceKey(publicKey).orThrow }
  }
}

extension EntryDraft {
  public init(directory operation: DirectoryOperation) {
    self.init(kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)
  }
}

extension Optional {
  struct Missing: Error {}

  public var orThrow: Wrapped {
    get throws {
      guard let self else { throw Missing() }
      return self
    }
  }
}
