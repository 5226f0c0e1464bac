public import Sodium

/// The workspace's content keys by epoch. A new epoch starts when somebody is revoked; old entries stay readable with
/// their own epoch's key. A relay has none.
public struct ContentKeyring: Sendable {
  private var keysByEpoch: [UInt32: [SecretBytes]] = [:]
  private var writingEpoch: UInt32?

  public init() {}

  /// Of several keys of one epoch the first that was added is written with.
  public mutating func add(_ key: SecretBytes, epoch: UInt32) { keysByEpoch[epoch, default: []].append(key) }

  /// The epoch that new entries are written under; `nil` without any key.
  public var currentEpoch: UInt32? { writingEpoch ?? keysByEpoch.keys.max() }

  /// Writes under this epoch from now on, where otherwise it is the newest.
  public mutating func write(under epoch: UInt32) { writingEpoch = epoch }

  public var isEmpty: Bool { keysByEpoch.isEmpty }

  /// What the epoch's entries may be under; usually one key.
  ///
  /// - Throws: ``EntryError`` with `unknownKeyEpoch`.
  public func keys(epoch: UInt32) throws(EntryError) -> [SecretBytes] {
    guard let keys = keysByEpoch[epoch], !keys.isEmpty else {
      throw EntryError(.unknownKeyEpoch, "no content key for epoch \(epoch) on this device")
    }
    return keys
  }

  /// What is written with.
  ///
  /// - Throws: ``EntryError`` with `unknownKeyEpoch`.
  public func key(epoch: UInt32) throws(EntryError) -> SecretBytes { try keys(epoch: epoch)[0] }
}
