public import Sodium

/// A key of 32 bytes, and the number of the epoch that it was made for. Two admins who start an epoch without knowing
/// of each other give the same number to two keys; both stay good.
public struct EpochKey: Sendable {
  public let epoch: UInt32
  public let key: SecretBytes

  public init(epoch: UInt32, key: SecretBytes) {
    self.epoch = epoch
    self.key = key
  }

  /// A new random key.
  public static func random(epoch: UInt32) -> EpochKey {
    EpochKey(epoch: epoch, key: .random(byteCount: WorkspaceKeys.keyByteCount))
  }
}

extension EpochKey: Comparable {
  public static func == (left: EpochKey, right: EpochKey) -> Bool {
    left.epoch == right.epoch && left.key == right.key
  }

  /// By epoch; within one epoch by the keys' bytes, so that every device has one order for them.
  public static func < (left: EpochKey, right: EpochKey) -> Bool {
    guard left.epoch == right.epoch else { return left.epoch < right.epoch }
    return left.key.withUnsafeBytes { left in right.key.withUnsafeBytes { left.lexicographicallyPrecedes($0) } }
  }
}
