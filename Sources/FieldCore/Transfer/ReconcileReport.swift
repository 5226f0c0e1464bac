/// What it took to find out what each side lacks.
public struct ReconcileReport: Hashable, Sendable {
  /// Bytes of all messages, both ways, as they stand on the stream.
  public var byteCount = 0
  /// Turns: one for all that a side says before the other answers.
  public var turnCount = 0
  /// Entries that the peer will send; `nil` where the ladder could not tell.
  public var wantedCount: UInt64?

  public init() {}
}
