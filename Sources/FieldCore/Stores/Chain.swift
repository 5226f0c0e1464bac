public import FieldWire

/// One author's entries in one database, of which each names the one before it.
public struct Chain: Hashable, Comparable, Sendable {
  public var author: DeviceKey
  public var database: DatabaseID

  public init(author: DeviceKey, database: DatabaseID) {
    self.author = author
    self.database = database
  }

  public static func < (left: Chain, right: Chain) -> Bool {
    left.author == right.author ? left.database < right.database : left.author < right.author
  }
}

extension EntryHeader {
  public var chain: Chain { Chain(author: author, database: database) }
}

/// How far a store has come in chains: it surely lacks what is behind their ends.
public struct KnownChains: Hashable, Sendable {
  /// Chains that a side tells another of at once.
  public static let limit = 64
  static let itemByteCount = DeviceKey.byteCount + DatabaseID.byteCount + 8

  /// The highest sequence number that was ever there.
  public var ends: [Chain: UInt64]
  /// Of a chain that is not named nothing was ever there.
  public var isComplete: Bool

  /// Nothing is known.
  public static let unknown = KnownChains(ends: [:], isComplete: false)

  public init(ends: [Chain: UInt64], isComplete: Bool) {
    self.ends = ends
    self.isComplete = isComplete
  }

  /// Whether an entry is surely not there.
  public func lacks(_ header: EntryHeader) -> Bool {
    ends[header.chain].map { header.sequence > $0 } ?? isComplete
  }
}
