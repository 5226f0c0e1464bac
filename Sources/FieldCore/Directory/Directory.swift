public import FieldWire
import Sodium

/// Who belongs to the workspace, as the directory entries say.
///
/// The founding entry makes its author the first admin; the workspace's id is a hash over that device's key and a
/// nonce, so nobody else can found it. Admins grant and revoke. A revocation wins over every grant, whatever came
/// first.
public struct Directory: Sendable {
  /// The database that holds the directory's entries.
  public static let database = DatabaseID.zero

  public let workspace: WorkspaceID
  /// How many operations were applied: tells whether somebody else's copy of the directory is newer than it was.
  public var operationCount: Int { operations.count }

  private var operations: Set<EntryID> = []
  private var founder: DeviceKey?
  private var foundingEntry: EntryID?
  private var grants: [DeviceKey: [Grant]] = [:]
  private var revocations: [DeviceKey: [DatabaseID: UInt64]] = [:]

  private struct Grant: Sendable {
    var entry: EntryID
    var author: DeviceKey
    var role: DeviceRole
    var sealedKeys: [UInt8]
    var sealedName: [UInt8]
  }

  public init(workspace: WorkspaceID) {
    self.workspace = workspace
  }

  public static func workspaceID(founder: DeviceKey, nonce: [UInt8]) -> WorkspaceID {
    WorkspaceID(hash: Domain.workspaceID + founder.bytes + nonce)
  }

  /// The device's role; `nil` for one that was never granted one or was revoked.
  public func role(of device: DeviceKey) -> DeviceRole? {
    revocations[device] == nil ? grants[device]?.map(\.role).max() : nil
  }

  public func isRevoked(_ device: DeviceKey) -> Bool { revocations[device] != nil }

  /// Devices with a role, in the order of their keys.
  public var devices: [DeviceKey] { grants.keys.filter { revocations[$0] == nil }.sorted() }

  /// The keys that were sealed to `device`, oldest grant first.
  public func sealedKeys(for device: DeviceKey) -> [[UInt8]] { grants[device]?.map(\.sealedKeys) ?? [] }

  /// The name that the granting admin gave the device, sealed under a content key; the newest grant's.
  public func sealedName(of device: DeviceKey) -> [UInt8]? { grants[device]?.last?.sealedName }

  /// The entries that prove `device`'s role to somebody who knows nothing but the workspace's id: the founding entry
  /// and the grants from the founder down. Empty when the device has no role.
  public func credential(of device: DeviceKey) -> [EntryID] {
    guard let foundingEntry, role(of: device) != nil else { return [] }
    var chain: [EntryID] = []
    var current = device
    while let grant = grants[current]?.max(by: { $0.role < $1.role }), grant.entry != foundingEntry,
      !chain.contains(grant.entry)
    {
      chain.append(grant.entry)
      current = grant.author
    }
    return [foundingEntry] + chain.reversed()
  }

  /// Whether the author of `header` may write it.
  ///
  /// - Throws: ``EntryError`` with `unknownAuthor` or `revokedAuthor`.
  public func admit(_ header: EntryHeader) throws(EntryError) {
    if header.kind == .directory, foundingEntry == nil { return }  // `apply` holds it to the workspace's id
    let granted = grants[header.author]?.map(\.role).max()
    guard let granted, granted >= (header.kind == .directory ? .admin : .member) else {
      throw EntryError(.unknownAuthor, "the author has no role that lets it write this kind of entry")
    }
    if let lastSequences = revocations[header.author], header.sequence > lastSequences[header.database] ?? 0 {
      throw EntryError(.revokedAuthor, "the author was revoked before this entry")
    }
  }

  /// Takes in a directory entry. Taking it in again changes nothing.
  ///
  /// - Throws: ``EntryError``: `malformed`, `unknownAuthor`, `revokedAuthor`.
  public mutating func apply(_ verified: VerifiedEntry) throws(EntryError) {
    guard !operations.contains(verified.id) else { return }
    let header = verified.header
    try admit(header)
    let operation: DirectoryOperation
    do {
      operation = try DirectoryOperation(decoding: verified.entry.payload)
    } catch {
      throw EntryError(.malformed, error.reason)
    }
    switch operation {
    case .found(let nonce, let sealedKeys, let sealedName):
      guard Self.workspaceID(founder: header.author, nonce: nonce) == workspace else {
        throw EntryError(.unknownAuthor, "this device did not found the workspace")
      }
      founder = header.author
      foundingEntry = verified.id
      add(
        Grant(
          entry: verified.id, author: header.author, role: .admin, sealedKeys: sealedKeys, sealedName: sealedName),
        to: header.author)
    case .grant(let device, let role, let sealedKeys, let sealedName):
      guard foundingEntry != nil else {
        throw EntryError(.unknownAuthor, "the workspace's founding entry has to come first")
      }
      add(
        Grant(entry: verified.id, author: header.author, role: role, sealedKeys: sealedKeys, sealedName: sealedName),
        to: device)
    case .revoke(let device, let lastSequences):
      guard foundingEntry != nil else {
        throw EntryError(.unknownAuthor, "the workspace's founding entry has to come first")
      }
      guard device != founder else {
        throw EntryError(.malformed, "the workspace's founder cannot be revoked")
      }
      // Of several revocations, the one that leaves least counts.
      revocations[device] =
        revocations[device].map { earlier in
          earlier.merging(lastSequences, uniquingKeysWith: min).filter {
            lastSequences[$0.key] != nil && earlier[$0.key] != nil
          }
        } ?? lastSequences
    }
    operations.insert(verified.id)
  }

  private mutating func add(_ grant: Grant, to device: DeviceKey) {
    grants[device, default: []].append(grant)
  }
}
