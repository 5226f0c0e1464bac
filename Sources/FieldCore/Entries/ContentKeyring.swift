public import Sodium

/// The workspace's content keys by epoch. A new epoch starts when somebody is revoked; old entries stay readable with
/// their own epoch's key. A relay has none.
public struct ContentKeyring: Sendable {
  private var keys: [UInt32: SecretBytes] = [:]

  public init() {}

  public mutating func add(_ key: SecretBytes, epoch: UInt32) { keys[epoch] = key }

  /// The epoch that new entries are written under; `nil` without any key.
  public var currentEpoch: UInt32? { keys.keys.max() }

  public var isEmpty: Bool { keys.isEmpty }

  /// - Throws: ``EntryError`` with `unknownKeyEpoch`.
  public func key(epoch: UInt32) throws(EntryError) -> SecretBytes {
    guard let key = keys[epoch] else {
      throw EntryError(.unknownKeyEpoch, "no content key for epoch \(epoch) on this device")
    }
    return key
  }
}
