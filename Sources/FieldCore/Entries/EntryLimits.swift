/// The bounds that every entry keeps, checked before anything is allocated.
public enum EntryLimits {
  /// A change that has seen more concurrent heads than this names the newest.
  public static let dependencyCount = 64
  /// The largest payload, as stored.
  public static let payloadByteCount = 1 << 20
  /// Fixed part of a header, see ``EntryHeader``.
  public static let fixedHeaderByteCount = 147
  public static let headerByteCount = fixedHeaderByteCount + 32 * dependencyCount
  public static let signatureByteCount = 64
  public static let entryByteCount = headerByteCount + signatureByteCount + payloadByteCount
}
