/// How a reconciliation ended for one side.
public enum ReconcileResult: Hashable, Sendable {
  case inStep
  /// This side knows what to send, and how many entries the other one will send. Both sides know it then.
  case known(push: Push, wantedCount: UInt64)
  /// The ladder could not find out; the reason is for people.
  case undecided(String)

  /// Own entries that the other side lacks.
  public enum Push: Hashable, Sendable {
    case ids([EntryID])
    case all(ArrivalScope)
  }
}
