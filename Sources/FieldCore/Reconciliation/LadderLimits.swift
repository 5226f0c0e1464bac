/// The bounds of one reconciliation. They hold for every peer, members too.
public enum LadderLimits {
  /// Differences that the first message's sketch can name.
  public static let summarySyndromeCount = 24
  /// The most that is taken of a peer's.
  static let syndromeLimit = 64
  /// Passes over the ids that one reconciliation may take. A pass is what costs a large store time.
  public static let passCount = 24
  /// Messages that one side may send.
  static let moveCount = 16
  /// So many a side has sent at most when it asks for further syndromes: with another rung after them both sides send
  /// 13.
  static let extensionMoveCount = 5
  /// Reconciliations in one session, each under a new key, before everything is listed instead.
  public static let attemptCount: UInt32 = 2
  /// The largest move, all its parts together; and the largest part.
  static let moveByteCount = 16 << 20
  static let partByteCount = 512 << 10
  /// What a move may be long at most between sets of so many entries: more than any honest one is.
  static func moveByteCount(entryCount: UInt64) -> Int {
    Int(min(UInt64(moveByteCount), 4096 + min(entryCount, 1 << 32) * 64))
  }
  /// Cells asked for at once.
  static let cellCount = 1 << 20
}
