import FieldWire

/// What a set of directory operations amounts to. It is a function of the set alone: two devices that hold the same
/// operations agree, in whatever order they came.
///
/// Admins are ranked: the founder first, then who was made admin by whom, nearer to the founder first, and of one
/// admin's the earlier first. They are gone through by rank:
///
/// - An operation counts unless somebody of a higher rank has revoked its author with a cut before it. So of two admins
///   who revoke each other, each without having seen the other's, the higher one stays.
/// - A revocation that counted once its author's turn came stays, whoever revokes its author later in the order.
/// - Grants and epochs count only while no revocation at all cuts them off, whosever it is.
/// - A device that is revoked has no role, whatever was granted to it.
/// - Were nobody left an admin, the founder is taken to be not revoked.
struct DirectoryEvaluation: Sendable {
  struct Operation: Sendable {
    let id: EntryID
    /// Who has to be an admin: of a warrant, who signed it.
    let author: DeviceKey
    /// The author's chain that it has a place in: the directory's, or one that holds a warrant alone.
    var chain = Directory.database
    let sequence: UInt64
    /// The entry before it in the chain of the device that wrote it.
    let previous: EntryID
    let operation: DirectoryOperation
  }

  struct Epoch: Sendable {
    let id: EntryID
    let number: UInt32
  }

  /// The grant that counts for a device: of the highest role, by the admin of the highest rank, the latest.
  struct Standing: Sendable {
    var role: DeviceRole
    var grant: EntryID
    var grantedBy: DeviceKey
    var name: [UInt8]
  }

  /// Of revoked devices too.
  private(set) var standings: [DeviceKey: Standing] = [:]
  /// What is left of a revoked device's chains.
  struct Cut: Sendable {
    /// Of its directory entries.
    var entries: Set<EntryID>
    /// Of its other chains, up to these.
    var lastSequences: [DatabaseID: UInt64]
  }

  private(set) var revocations: [DeviceKey: Cut] = [:]
  /// Those that count, in the order of their numbers and ids.
  private(set) var epochs: [Epoch] = []
  private(set) var currentEpoch: UInt32 = 1
  /// The grants and epochs that count, whatever else is there.
  private(set) var counting: Set<EntryID> = []
  /// The newest epoch whose key came with a grant that counts.
  private(set) var grantedEpochs: [DeviceKey: UInt32] = [:]
  private(set) var hasAdmin = false
  private var previous: [EntryID: EntryID] = [:]

  init() {}

  /// - Parameters:
  ///   - founding: The founding entry of the workspace's founder.
  ///   - operations: By author, in the order of sequence and id.
  init(founding: Operation, operations: [DeviceKey: [Operation]]) {
    self.init(founding: founding, operations: operations, keepsFounder: false)
    if !hasAdmin { self.init(founding: founding, operations: operations, keepsFounder: true) }
  }

  private init(founding: Operation, operations: [DeviceKey: [Operation]], keepsFounder: Bool) {
    for item in operations.values.joined() { previous[item.id] = item.previous }
    revoke(founding: founding, operations: operations, keepsFounder: keepsFounder)
    grant(founding: founding, operations: operations)
    hasAdmin = standings.contains { $0.value.role == .admin && revocations[$0.key] == nil }
  }

  /// Whether what was revoked so far leaves the operation.
  private func isKept(_ item: Operation) -> Bool {
    guard let cut = revocations[item.author] else { return true }
    return item.chain == Directory.database
      ? cut.entries.contains(item.id) : item.sequence <= cut.lastSequences[item.chain] ?? 0
  }

  /// An entry and those before it in its chain, as far as they are here.
  private func chain(endingWith last: EntryID) -> Set<EntryID> {
    var (entries, current) = (Set<EntryID>(), last)
    while let previous = previous[current], entries.insert(current).inserted { current = previous }
    return entries
  }

  /// The first pass, by rank: which revocations count.
  private mutating func revoke(founding: Operation, operations: [DeviceKey: [Operation]], keepsFounder: Bool) {
    var queue: [(device: DeviceKey, grant: Operation?)] = [(founding.author, nil)]
    var grants: [DeviceKey: Operation?] = [:]
    var next = 0
    while next < queue.count {
      let (device, grant) = queue[next]
      next += 1
      guard grants[device] == nil, isUncut(grant, grants) else { continue }
      grants[device] = .some(grant)
      for item in operations[device] ?? [] where isKept(item) {
        switch item.operation {
        case .grant(let other, .admin, _, _, _): queue.append((other, item))
        case .revoke(let other, let lastEntry, let lastSequences):
          if keepsFounder, other == founding.author { continue }
          let cut = Cut(entries: chain(endingWith: lastEntry), lastSequences: lastSequences)
          revocations[other] = revocations[other].map { Self.both($0, cut) } ?? cut
        default: continue
        }
      }
    }
  }

  /// Whether a grant, its author's own, and so on up to the founder, are all before what was cut off so far.
  private func isUncut(_ grant: Operation?, _ grants: [DeviceKey: Operation?]) -> Bool {
    var current = grant
    while let grant = current {
      guard isKept(grant) else { return false }
      current = grants[grant.author] ?? nil
    }
    return true
  }

  /// Of two revocations, what both leave.
  private static func both(_ one: Cut, _ other: Cut) -> Cut {
    let lastSequences: [DatabaseID: UInt64] = one.lastSequences.reduce(into: [:]) { result, item in
      if let sequence = other.lastSequences[item.key] { result[item.key] = min(sequence, item.value) }
    }
    return Cut(entries: one.entries.intersection(other.entries), lastSequences: lastSequences)
  }

  /// The second pass: roles and epochs, once every cut is known.
  private mutating func grant(founding: Operation, operations: [DeviceKey: [Operation]]) {
    grantedEpochs[founding.author] = 1
    var admins = [founding.author]
    var seen: Set<DeviceKey> = [founding.author]
    if case .found(_, _, let name) = founding.operation {
      standings[founding.author] = Standing(
        role: .admin, grant: founding.id, grantedBy: founding.author, name: name)
    }
    var next = 0
    while next < admins.count {
      let admin = admins[next]
      next += 1
      var granted: [DeviceKey: Standing] = [:]
      for item in operations[admin] ?? [] where isKept(item) {
        switch item.operation {
        case .grant(let device, let role, let epoch, _, let name):
          counting.insert(item.id)
          grantedEpochs[device] = max(epoch, grantedEpochs[device] ?? 0)
          if granted[device].map({ $0.role <= role }) ?? true {
            granted[device] = Standing(role: role, grant: item.id, grantedBy: admin, name: name)
          }
          if role == .admin, seen.insert(device).inserted { admins.append(device) }
        case .epoch(let number, _, _): epochs.append(Epoch(id: item.id, number: number))
        default: continue
        }
      }
      for (device, standing) in granted where standings[device].map({ $0.role < standing.role }) ?? true {
        standings[device] = standing
      }
    }
    // A number that skips ahead counts once those before it are there: nobody uses the numbers up.
    epochs.sort { ($0.number, $0.id) < ($1.number, $1.id) }
    for epoch in epochs where epoch.number == currentEpoch + 1 { currentEpoch = epoch.number }
    epochs.removeAll { $0.number > currentEpoch }
    counting.formUnion(epochs.map(\.id))
    counting.insert(founding.id)
  }
}
