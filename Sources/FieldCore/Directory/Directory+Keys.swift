import FieldWire
public import Sodium

/// Key epochs, and what was sealed to whom.
extension Directory {
  /// The number of the epoch that entries are to be written under.
  public var currentEpoch: UInt32 { evaluation.currentEpoch }

  /// Whether a device that was revoked holds a key of the current epoch: then an admin should start a new one.
  public var needsNewEpoch: Bool {
    let revoked = evaluation.revocations.keys
    return revoked.contains { evaluation.grantedEpochs[$0] == currentEpoch }
      || evaluation.epochs.contains { epoch in
        guard epoch.number == currentEpoch, case .epoch(_, _, let boxes) = operations[epoch.id]?.operation else {
          return false
        }
        return revoked.contains { boxes[$0] != nil }
      }
  }

  /// Everything that was sealed to the holder of `keyPair` and what that leads to; `nil` when nothing was.
  ///
  /// What a revocation made void could be anybody's who was an admin once. Members may have written under its keys
  /// before they knew, so these serve to read, as many as there is room for, and to nothing else.
  ///
  /// - Parameter former: Key pairs that the holder had before, whose boxes it opens too.
  public func keys(for keyPair: SigningKeyPair, former: [SigningKeyPair] = []) -> WorkspaceKeys? {
    let boxes = ([keyPair] + former).flatMap(sealedKeys).sorted { $0.precedes($1) }
    let isInForce = boxes.contains { $0.rank < .void }
    let current = Set(evaluation.epochs.filter { $0.number == currentEpoch }.map(\.id))
    var keys: WorkspaceKeys?
    var renewed: WorkspaceKeys?
    for box in boxes {
      guard keys.map({ !$0.isFull }) ?? true, let opened = box.open() else { continue }
      if isInForce, box.rank == .void {
        keys?.merge(readingWith: opened)
        continue
      }
      let usable = opened.upTo(epoch: currentEpoch)
      if keys == nil { keys = usable } else { keys?.merge(usable) }
      guard current.contains(box.id) else { continue }
      if renewed == nil { renewed = usable } else { renewed?.merge(usable) }
    }
    guard var keys else { return nil }
    for (number, history) in histories {
      for key in keys.contentKeys where key.epoch == number {
        if let older = KeyHistory.open(history, under: key.key, in: workspace) { keys.merge(history: older) }
      }
    }
    if let preferred = renewed ?? boxes.first.flatMap({ $0.rank == .standing ? $0.open() : nil }) {
      keys.use(preferred, epoch: currentEpoch)
    }
    return keys
  }

  private func sealedKeys(for holder: SigningKeyPair) -> [SealedKeys] {
    guard let device = DeviceKey(holder.publicKey) else { return [] }
    return operations.values.compactMap { item in
      guard let sealed = Self.box(in: item, for: device) else { return nil }
      var (rank, number) = (SealedKeys.Rank.grant, UInt32(0))
      if case .epoch(let epoch, _, _) = item.operation { (rank, number) = (.epoch, epoch) }
      if item.id == evaluation.standings[device]?.grant { rank = .standing }
      if !evaluation.counting.contains(item.id) { rank = .void }
      return SealedKeys(id: item.id, rank: rank, number: number, sealed: sealed, holder: holder)
    }
  }

  private var histories: [(UInt32, [UInt8])] {
    operations.values.compactMap { item in
      guard case .epoch(let number, let history, _) = item.operation, evaluation.counting.contains(item.id) else {
        return nil
      }
      return (number, history)
    }
    .sorted { $0.0 > $1.0 }
  }

  private static func box(in item: DirectoryEvaluation.Operation, for device: DeviceKey) -> [UInt8]? {
    switch item.operation {
    case .found(_, let sealedKeys, _): item.author == device ? sealedKeys : nil
    case .grant(let other, _, _, let sealedKeys, _): other == device ? sealedKeys : nil
    case .epoch(_, _, let boxes): boxes[device]
    case .revoke, .warrant: nil
    }
  }

  /// The operation that starts the next epoch: new keys for everybody who has a role.
  ///
  /// - Parameter keys: Of the admin who writes it.
  /// - Throws: ``SodiumError``, or ``EntryError`` with `tooLarge`, or `unknownKeyEpoch` without content keys.
  public func nextEpoch(after keys: WorkspaceKeys) throws -> DirectoryOperation {
    guard let naming = keys.naming else {
      throw EntryError(.unknownKeyEpoch, "this device holds no content keys")
    }
    let devices = Defence.epochExclusion.isOff ? evaluation.standings.keys.sorted() : devices
    guard devices.count <= DirectoryOperation.deviceLimit else {
      throw EntryError(.tooLarge, "\(devices.count) devices, over \(DirectoryOperation.deviceLimit)")
    }
    let number = currentEpoch + 1
    let presence = EpochKey.random(epoch: number)
    let content = EpochKey.random(epoch: number)
    let member = WorkspaceKeys(presenceKeys: [presence], naming: naming, contentKeys: [content])
    var boxes: [DeviceKey: [UInt8]] = [:]
    for device in devices {
      boxes[device] = try (role(of: device) == .relay ? member.withoutContent : member).sealed(to: device)
    }
    return .epoch(
      number: number, history: try KeyHistory.seal(keys.contentKeys, under: content.key, in: workspace), boxes: boxes)
  }
}
