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
  /// Bases that are remembered of each peer.
  public static let baseCount = 2
  /// Ids that a pass hands over at once.
  public static let passPieceCount = 1024

  /// - Throws: ``StoreError`` with `tooLarge`.
  public static func checkIDCount(_ count: Int) throws(StoreError) {
    guard count <= idCount else { throw StoreError(.tooLarge, "\(count) ids in one call, over \(idCount)") }
  }

  /// - Parameter byteCount: of all entries together; one entry alone may have any size.
  /// - Throws: ``StoreError`` with `tooLarge`.
  public static func checkPut(entryCount: Int, byteCount: Int) throws(StoreError) {
    guard entryCount <= putEntryCount, entryCount <= 1 || byteCount <= batchByteCount else {
      throw StoreError(.tooLarge, "\(entryCount) entries of \(byteCount) bytes in one put")
    }
  }

  /// - Throws: ``StoreError`` with `tooLarge`.
  public static func checkDepth(_ depth: Int) throws(StoreError) {
    guard depth <= dependencyDepth else { throw StoreError(.tooLarge, "a depth of \(depth), over \(dependencyDepth)") }
  }

  /// Cuts entries, in their order, into puts that hold to the limits.
  static func puts(of entries: [Entry]) -> [ArraySlice<Entry>] {
    var puts: [ArraySlice<Entry>] = []
    var start = entries.startIndex
    var byteCount = 0
    for (index, entry) in entries.enumerated() {
      if index > start, byteCount + entry.encodedByteCount > batchByteCount || index - start == putEntryCount {
        puts.append(entries[start..<index])
        start = index
        byteCount = 0
      }
      byteCount += entry.encodedByteCount
    }
    if start < entries.endIndex { puts.append(entries[start...]) }
    return puts
  }
}
