/// What became of one entry of a put.
public enum PutOutcome: Hashable, Sendable {
  /// It is on disk now.
  case stored
  /// It was there already, and nothing changed.
  case duplicate
  /// It is not stored; the rest of the put is not touched by that.
  case refused(EntryError.Code)
}
