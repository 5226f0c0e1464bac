public import FieldWire
public import Sodium

/// A grant that an admin signed by itself, outside of its chain of entries, and that the device which it is for brings
/// into the directory as the first entry of its own chain.
///
/// It is for a key whose holder cannot know where its chain ends: one that came out of a backup, or that several
/// devices hold. Such a key signs no entry, so it gives no sequence number twice, and yet lets a new device in.
///
/// Encoded: admin (32), role (u8), epoch (u32), sealed keys and sealed name as in a grant, and the admin's signature
/// (64) over a domain string, the workspace, the device and everything before the signature. The entry that carries it
/// is by the device itself, its first in the directory's database, with no dependencies: one warrant is one entry.
public struct Warrant: Hashable, Sendable {
  public let admin: DeviceKey
  public let role: DeviceRole
  /// As in a grant.
  public let epoch: UInt32
  public let sealedKeys: [UInt8]
  public let sealedName: [UInt8]
  public let signature: [UInt8]

  /// Signs a warrant for `device`.
  public init(
    for device: DeviceKey, as role: DeviceRole, epoch: UInt32, sealedKeys: [UInt8], sealedName: [UInt8],
    signedBy keyPair: SigningKeyPair, in workspace: WorkspaceID
  ) {
    admin = DeviceKey(keyPair.publicKey) ?? .zero
    self.role = role
    self.epoch = epoch
    self.sealedKeys = sealedKeys
    self.sealedName = sealedName
    let content = Self.content(admin, role, epoch, sealedKeys, sealedName)
    signature = keyPair.sign(Domain.warrant + workspace.bytes + device.bytes + content)
  }

  /// The draft of the entry that brings it in.
  public var draft: EntryDraft {
    EntryDraft(
      kind: .directory, database: Directory.database, keyEpoch: 0, payload: DirectoryOperation.warrant(self).encoded)
  }

  /// Whether the admin signed it for the author of `header`, and that entry is the one that may carry it.
  func isValid(in header: EntryHeader, of workspace: WorkspaceID) -> Bool {
    guard header.sequence == 1, header.dependencies.isEmpty else { return false }
    let content = Self.content(admin, role, epoch, sealedKeys, sealedName)
    return Defence.warrant.isOff
      || Ed25519.isValid(
        signature: signature, message: Domain.warrant + workspace.bytes + header.author.bytes + content,
        publicKey: admin.bytes)
  }

  private static func content(
    _ admin: DeviceKey, _ role: DeviceRole, _ epoch: UInt32, _ sealedKeys: [UInt8], _ sealedName: [UInt8]
  ) -> [UInt8] {
    var writer = WireWriter()
    writer.identifier(admin)
    writer.u8(role.rawValue)
    writer.u32(epoch)
    writer.lengthPrefixed(sealedKeys)
    writer.lengthPrefixed(sealedName)
    return writer.bytes
  }

  func encode(into writer: inout WireWriter) {
    writer.raw(Self.content(admin, role, epoch, sealedKeys, sealedName))
    writer.raw(signature)
  }

  init(from reader: inout WireReader) throws(WireError) {
    admin = try reader.identifier()
    guard let role = DeviceRole(rawValue: try reader.u8()) else {
      throw WireError(.unknownMandatory, "an unknown role")
    }
    self.role = role
    epoch = try reader.u32()
    sealedKeys = try reader.lengthPrefixed(limit: DirectoryOperation.sealedKeysByteLimit)
    sealedName = try reader.lengthPrefixed(limit: DirectoryOperation.sealedNameByteLimit)
    signature = try reader.raw(Ed25519.signatureByteCount)
  }
}
