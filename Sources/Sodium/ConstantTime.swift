import CSodium

/// Comparison that takes the same time whatever the bytes are, so that its time tells nothing of a secret.
public enum ConstantTime {
  /// Whether both are the same bytes, in a time that depends on the lengths alone.
  public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && sodium_memcmp(left, right, left.count) == 0
  }
}
