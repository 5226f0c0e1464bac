/// The bounds of one call of a store, the same for a local and a remote one.
public enum StoreLimits {
  /// Ids in one call, and listings in one page.
  public static let idCount = 1000
  /// Entries in one put.
  public static let putEntryCount = 1000
  /// Bytes of the entries of one put or one fetch; a single entry may always be asked for.
  public static let batchByteCount = 512 << 10
  /// Steps of one dependency walk.
  public static let dependencyDepth = 100_000
}
