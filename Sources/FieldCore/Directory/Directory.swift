public import FieldWire
import Sodium

/// Who belongs to the workspace, and with which keys, as the directory entries say.
///
/// The founding entry makes its author the first admin; the workspace's id is a hash over that device's key and a
/// nonce, so nobody else can found it. Admins grant, revoke and start key epochs. What that amounts to is a function of
/// the set of entries, see ``DirectoryEvaluation``: the order in which they came means nothing.
///
/// Taken in is every entry whose author was ever granted to be an admin, by the founder or by such an author, also one
/// that a revocation makes void: so all devices come to hold the same set.
public struct Directory: Sendable {
  /// The database that holds the directory's entries.
  public static let database = DatabaseID.zero

  public let workspace: WorkspaceID
  /// How many operations were taken in: tells whether somebody else's copy of the directory is newer than it was.
  public var operationCount: Int { operations.count }

  private(set) var operations: [EntryID: DirectoryEvaluation.Operation] = [:]
  private var founding: DirectoryEvaluation.Operation?
  private var everAdmins: Set<DeviceKey> = []
  private(set) var evaluation = DirectoryEvaluation()
  private var isEvaluated = true

  public init(workspace: WorkspaceID) {
    self.workspace = workspace
  }

  public static func workspaceID(founder: DeviceKey, nonce: [UInt8]) -> WorkspaceID {
    WorkspaceID(hash: Domain.workspaceID + founder.bytes + nonce)
  }

  /// The workspace whose founding entry is among `entries`, which are not verified yet; `nil` without one.
  public static func workspace(foundedBy entries: [Entry]) -> WorkspaceID? {
    for entry in entries where entry.header.kind == .directory {
      if case .found(let nonce, _, _) = try? DirectoryOperation(decoding: entry.payload) {
        return workspaceID(founder: entry.header.author, nonce: nonce)
      }
    }
    return nil
  }

  // MARK: Who may do what

  /// The device's role; `nil` for one that was never granted one or was revoked.
  public func role(of device: DeviceKey) -> DeviceRole? {
    isRevoked(device) ? nil : evaluation.standings[device]?.role
  }

  public func isRevoked(_ device: DeviceKey) -> Bool { evaluation.revocations[device] != nil }

  /// Devices with a role, in the order of their keys.
  public var devices: [DeviceKey] { evaluation.standings.keys.filter { !isRevoked($0) }.sorted() }

  /// Devices that were revoked, in the order of their keys.
  public var revokedDevices: [DeviceKey] { evaluation.revocations.keys.sorted() }

  public var admins: [DeviceKey] { devices.filter { role(of: $0) == .admin } }

  /// The name that an admin gave the device, sealed under a content key.
  public func sealedName(of device: DeviceKey) -> [UInt8]? { evaluation.standings[device]?.name }

  /// The entries that prove `device`'s role to somebody who knows nothing but the workspace's id: the founding entry
  /// and the grants from the founder down. Empty when the device has no role.
  public func credential(of device: DeviceKey) -> [EntryID] {
    guard let founding, role(of: device) != nil else { return [] }
    var chain: [EntryID] = []
    var current = device
    while let standing = evaluation.standings[current], standing.grant != founding.id, !chain.contains(standing.grant) {
      chain.append(standing.grant)
      current = standing.grantedBy
    }
    return [founding.id] + chain.reversed()
  }

  /// What the directory says of a device's entries outside of the directory. Equal ones admit the same entries.
  public struct Admission: Hashable, Sendable {
    var isMember: Bool
    var lastSequences: [DatabaseID: UInt64]?
  }

  func admission(of device: DeviceKey) -> Admission {
    Admission(
      isMember: evaluation.standings[device].map { $0.role >= .member } ?? false,
      lastSequences: evaluation.revocations[device]?.lastSequences)
  }

  /// The authors of whom one of the two admits other entries than the other.
  public func authorsAdmittedOtherwise(than other: Directory) -> Set<DeviceKey> {
    var authors = Set(evaluation.standings.keys)
    authors.formUnion(other.evaluation.standings.keys)
    authors.formUnion(evaluation.revocations.keys)
    authors.formUnion(other.evaluation.revocations.keys)
    return authors.filter { admission(of: $0) != other.admission(of: $0) }
  }

  /// Whether the author of `header` may write it.
  ///
  /// - Throws: ``EntryError`` with `unknownAuthor` or `revokedAuthor`.
  public func admit(_ header: EntryHeader) throws(EntryError) {
    if header.kind == .directory {
      guard founding == nil || everAdmins.contains(header.author) else {
        throw EntryError(.unknownAuthor, "the author was never an admin")
      }
      return
    }
    let admission = admission(of: header.author)
    if let lastSequences = admission.lastSequences, header.sequence > lastSequences[header.database] ?? 0,
      !Defence.revocationCut.isOff
    {
      throw EntryError(.revokedAuthor, "the author was revoked before this entry")
    }
    guard admission.isMember || Defence.membership.isOff else {
      throw EntryError(.unknownAuthor, "the author has no role that lets it write this kind of entry")
    }
  }

  /// A revocation's places for what the device did outside of its own chain: the warrants that it signed and that are
  /// here, which stay as its entries up to now do.
  public func warrants(by device: DeviceKey) -> [DatabaseID: UInt64] {
    operations.values.reduce(into: [:]) { kept, item in
      if item.author == device, item.chain != Self.database { kept[item.chain] = item.sequence }
    }
  }

  /// The revocation of `device` that leaves what is here: its chains, and the warrants that it signed. Who has written
  /// in more databases than a revocation can name must not be safe from one: what is left out ends with the membership.
  ///
  /// - Parameter lastSequences: Where its chains end here.
  public func revocation(of device: DeviceKey, lastSequences: [DatabaseID: UInt64]) -> DirectoryOperation {
    var kept: [DatabaseID: UInt64] = [:]
    for part in [lastSequences, warrants(by: device)] {
      for (chain, sequence) in part.sorted(by: { $0.key < $1.key })
      where chain != Self.database && kept.count < DirectoryOperation.databaseLimit {
        kept[chain] = sequence
      }
    }
    return .revoke(device: device, lastEntry: lastEntry(of: device), lastSequences: kept)
  }

  /// The end of a device's directory entries: of those with the most before them, so that none which hangs in the air
  /// hides the others.
  private func lastEntry(of device: DeviceKey) -> EntryID {
    var depths: [EntryID: Int] = [:]
    var (last, most) = (EntryID.zero, 0)
    let own = operations.values.filter { $0.author == device && $0.chain == Self.database }
    for item in own.sorted(by: { ($0.sequence, $0.id) < ($1.sequence, $1.id) }) {
      let depth = (depths[item.previous] ?? 0) + 1
      depths[item.id] = depth
      if depth >= most { (last, most) = (item.id, depth) }
    }
    return last
  }

  // MARK: Taking entries in

  /// Takes in a directory entry and evaluates the whole. Taking it in again changes nothing.
  ///
  /// - Throws: ``EntryError``: `malformed`, `unknownAuthor`.
  public mutating func apply(_ verified: VerifiedEntry) throws(EntryError) {
    try insert(verified)
    evaluate()
  }

  /// Takes in a directory entry; what follows from it is known after ``evaluate()``.
  ///
  /// - Throws: ``EntryError``: `malformed`, `unknownAuthor`.
  public mutating func insert(_ verified: VerifiedEntry) throws(EntryError) {
    guard operations[verified.id] == nil else { return }
    let item = try operation(of: verified)
    switch item.operation {
    case .found(let nonce, _, _):
      guard Self.workspaceID(founder: item.author, nonce: nonce) == workspace else {
        throw EntryError(founding == nil ? .unknownAuthor : .malformed, "this entry does not found the workspace")
      }
      if founding.map({ item.id < $0.id }) ?? true { founding = item }
      everAdmins.insert(item.author)
    case .grant(let device, let role, _, _, _):
      try requireFounding()
      if role == .admin { everAdmins.insert(device) }
    case .revoke, .epoch, .warrant:
      try requireFounding()
    }
    operations[verified.id] = item
    isEvaluated = false
  }

  /// What an entry says, and whose saying it is; a warrant comes out as the grant that it is.
  private func operation(of verified: VerifiedEntry) throws(EntryError) -> DirectoryEvaluation.Operation {
    let header = verified.header
    let decoded = Result { () throws(WireError) in try DirectoryOperation(decoding: verified.entry.payload) }
    if case .success(.warrant(let warrant)) = decoded {
      guard warrant.isValid(in: header, of: workspace) else {
        throw EntryError(.malformed, "nobody warrants for the author")
      }
      guard everAdmins.contains(warrant.admin) else {
        throw EntryError(.unknownAuthor, "who warrants for the author was never an admin")
      }
      return DirectoryEvaluation.Operation(
        id: verified.id, author: warrant.admin, chain: DatabaseID(Array(verified.id.bytes.prefix(16))) ?? .zero,
        sequence: header.sequence, previous: header.previous,
        operation: .grant(
          device: header.author, role: warrant.role, epoch: warrant.epoch, sealedKeys: warrant.sealedKeys,
          sealedName: warrant.sealedName))
    }
    try admit(header)
    do {
      return DirectoryEvaluation.Operation(
        id: verified.id, author: header.author, sequence: header.sequence, previous: header.previous,
        operation: try decoded.get())
    } catch {
      throw EntryError(.malformed, error.reason)
    }
  }

  private func requireFounding() throws(EntryError) {
    if founding == nil { throw EntryError(.unknownAuthor, "the workspace's founding entry has to come first") }
  }

  public mutating func evaluate() {
    guard !isEvaluated, let founding else { return }
    var byAuthor: [DeviceKey: [DirectoryEvaluation.Operation]] = [:]
    for item in operations.values { byAuthor[item.author, default: []].append(item) }
    for author in byAuthor.keys {
      byAuthor[author]?.sort { ($0.sequence, $0.id) < ($1.sequence, $1.id) }
    }
    evaluation = DirectoryEvaluation(founding: founding, operations: byAuthor)
    isEvaluated = true
  }

  /// Takes in an entry that this device just signed, which has to have an effect: its author is an admin now, or is
  /// warranted for, and after it somebody still is.
  ///
  /// - Throws: ``EntryError``: `malformed`, `unknownAuthor`, `revokedAuthor`, `lastAdmin`.
  mutating func applyOwn(_ verified: VerifiedEntry) throws(EntryError) {
    let author = verified.header.author
    if case .warrant = try? DirectoryOperation(decoding: verified.entry.payload) {
      try apply(verified)
      guard role(of: author) != nil else {
        throw EntryError(.unknownAuthor, "who warrants for the author is no admin")
      }
      return
    }
    if founding != nil, role(of: author) != .admin {
      throw EntryError(isRevoked(author) ? .revokedAuthor : .unknownAuthor, "only an admin changes the directory")
    }
    let remaining = admins
    try apply(verified)
    if case .revoke(let device, _, _) = operations[verified.id]?.operation {
      guard remaining.contains(where: { $0 != device }) else {
        throw EntryError(.lastAdmin, "the workspace's last admin cannot be revoked")
      }
      guard isRevoked(device) else {
        throw EntryError(.lastAdmin, "the revocation would leave the workspace without an admin")
      }
    }
  }
}
