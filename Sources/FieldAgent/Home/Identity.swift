public import FieldCore
public import FieldWire
public import Sodium

/// Who this device is: what its home's `identity` file holds.
///
/// Encoded: version 1 (u8), Ed25519 seed (32), workspace (32), presence key (length-prefixed: 32 bytes, or none before
/// the device is a member), name (length-prefixed UTF-8, at most 256 bytes), former keys (count, varint, at most 16, of
/// Ed25519 seeds), and 8 bytes of the BLAKE2b hash of all that. ``IdentityLock`` is the form under a passphrase.
public struct Identity: Sendable {
  public let keyPair: SigningKeyPair
  public let workspace: WorkspaceID
  /// `nil` while the device has an invitation and is not a member yet.
  public let presence: SecretBytes?
  /// What people here call this device.
  public let name: String
  /// Keys that this device had before it was restored from backups, the latest first. They open what was sealed to
  /// them; nothing is ever signed with them.
  public let former: [SigningKeyPair]

  /// What a device may be called here it may ask to be let in as.
  public static let nameByteLimit = JoinRequest.nameByteLimit
  static let fileByteLimit = 2048
  private static let formerLimit = 16
  private static let version: UInt8 = 1
  private static let checkByteCount = 8

  /// - Throws: ``AgentError`` with `invalidInput` for a name that is empty, too long or not one line of text.
  public init(
    keyPair: SigningKeyPair, workspace: WorkspaceID, presence: SecretBytes?, name: String,
    former: [SigningKeyPair] = []
  ) throws(AgentError) {
    try Self.check(name: name)
    self.keyPair = keyPair
    self.workspace = workspace
    self.presence = presence
    self.name = name
    self.former = Array(former.prefix(Self.formerLimit))
  }

  /// - Throws: ``AgentError`` with `invalidInput` for a name that is empty, too long or not one line of text.
  static func check(name: String) throws(AgentError) {
    guard (1...nameByteLimit).contains(name.utf8.count), !name.unicodeScalars.contains(where: \.isUnsafeInTerminal)
    else {
      throw AgentError(
        .invalidInput, "A device's name is one line of text of at most \(nameByteLimit) bytes.",
        hint: "Choose another name.")
    }
  }

  public var device: DeviceKey { DeviceKey(keyPair.publicKey) ?? .zero }

  public var isJoining: Bool { presence == nil }

  /// A device that came out of a backup may join again, also when it was a member: its old key may have been revoked,
  /// and with it what that key warranted for.
  var mayJoin: Bool { isJoining || !former.isEmpty }

  /// Whether the device came out of a backup and was not let in again.
  public var isRestored: Bool { isJoining && !former.isEmpty }

  /// The same device on its way into a workspace.
  func joining(_ workspace: WorkspaceID) throws(AgentError) -> Identity {
    try Identity(keyPair: keyPair, workspace: workspace, presence: nil, name: name, former: former)
  }

  /// The same device as a member.
  public func joined(presence: SecretBytes) throws(AgentError) -> Identity {
    try Identity(keyPair: keyPair, workspace: workspace, presence: presence, name: name, former: former)
  }

  /// The same device by another name.
  func renamed(_ name: String) throws(AgentError) -> Identity {
    try Identity(keyPair: keyPair, workspace: workspace, presence: presence, name: name, former: former)
  }

  /// The same user's device under a new key, which has signed nothing yet and is no member.
  func renewed() throws(AgentError) -> Identity {
    try Identity(
      keyPair: SigningKeyPair(), workspace: workspace, presence: nil, name: name, former: [keyPair] + former)
  }

  /// The workspace's keys, as far as they were ever sealed to this device.
  func keys(in directory: Directory) -> WorkspaceKeys? { directory.keys(for: keyPair, former: former) }

  /// Holds secrets: the caller wipes it.
  var encoded: [UInt8] {
    var writer = WireWriter(capacity: Self.fileByteLimit)
    writer.u8(Self.version)
    keyPair.seed.withUnsafeBytes { writer.raw(Array($0)) }
    writer.identifier(workspace)
    if let presence { presence.withUnsafeBytes { writer.lengthPrefixed(Array($0)) } } else { writer.count(0) }
    writer.text(name)
    writer.count(former.count)
    for keyPair in former { keyPair.seed.withUnsafeBytes { writer.raw(Array($0)) } }
    writer.raw(Blake2b.hash(writer.bytes)[..<Self.checkByteCount])
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(AgentError) {
    let content = Array(bytes.dropLast(Self.checkByteCount))
    guard bytes.count > Self.checkByteCount,
      Blake2b.hash(content)[..<Self.checkByteCount] == bytes[content.count...]
    else { throw Self.damaged }
    var reader = WireReader(content)
    do {
      guard try reader.u8() == Self.version else {
        throw AgentError(.configuration, "The identity was written by a newer version of fieldsync.")
      }
      var seed = try reader.raw(SigningKeyPair.seedByteCount)
      defer { seed.wipe() }
      let keyPair = try SigningKeyPair(seed: SecretBytes(copying: seed))
      let workspace: WorkspaceID = try reader.identifier()
      var presence = try reader.lengthPrefixed(limit: WorkspaceKeys.keyByteCount)
      defer { presence.wipe() }
      let name = try reader.text(limit: Self.nameByteLimit)
      var former: [SigningKeyPair] = []
      for _ in 0..<(try reader.count(limit: Self.formerLimit, itemByteCount: SigningKeyPair.seedByteCount)) {
        var seed = try reader.raw(SigningKeyPair.seedByteCount)
        defer { seed.wipe() }
        former.append(try SigningKeyPair(seed: SecretBytes(copying: seed)))
      }
      try reader.expectEnd()
      guard presence.isEmpty || presence.count == WorkspaceKeys.keyByteCount else { throw Self.damaged }
      try self.init(
        keyPair: keyPair, workspace: workspace,
        presence: presence.isEmpty ? nil : SecretBytes(copying: presence), name: name, former: former)
    } catch let error as AgentError {
      throw error
    } catch {
      throw Self.damaged
    }
  }

  static var damaged: AgentError {
    AgentError(
      .damaged, "The identity file is damaged.",
      hint: "Restore it from a backup; without one, join again from another directory with '--home DIR'.")
  }
}
