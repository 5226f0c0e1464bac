import FieldWire

/// The large entries of one session whose payloads are fetched beside its pulls, and how far the session's cursor may
/// be kept meanwhile: never past one of them.
struct ContentQueue: Sendable {
  private let workspace: WorkspaceID
  private var waiting: Set<EntryID> = []
  /// Something of this session has to be asked for again, or was hidden by a summary.
  private var isHeld = false
  private var covered: StoreCursor?

  init(workspace: WorkspaceID) {
    self.workspace = workspace
  }

  var count: Int { waiting.count }

  /// - Returns: Those that are not waited for already.
  mutating func add(_ heads: [EntryHead]) -> [EntryHead] {
    heads.filter { waiting.insert($0.header.id(in: workspace)).inserted }
  }

  /// A pull has come to its end.
  ///
  /// - Returns: The cursor that may be kept now.
  mutating func pullEnded(_ report: PullReport, usesSummary: Bool) -> StoreCursor? {
    isHeld = isHeld || usesSummary || report.isHeld
    covered = report.coveredThrough ?? covered
    return settled(report.settledThrough)
  }

  /// What was found by reconciling has come, or is waited for.
  ///
  /// - Parameter peer: What was found is everything of the peer up to here.
  /// - Returns: Whether that much is settled.
  mutating func exchangeEnded(_ report: PullReport, through peer: StoreCursor) -> Bool {
    isHeld = isHeld || report.isHeld
    covered = peer
    return settled(peer) != nil
  }

  /// What may be kept of a pull's cursor while it runs.
  func settled(_ cursor: StoreCursor?) -> StoreCursor? { waiting.isEmpty && !isHeld ? cursor : nil }

  /// Payloads came, or were refused.
  ///
  /// - Returns: The cursor that may be kept now.
  mutating func fetched(_ heads: [EntryHead], _ report: PullReport) -> StoreCursor? {
    for head in heads { waiting.remove(head.header.id(in: workspace)) }
    isHeld = isHeld || report.isHeld
    return settled(covered)
  }
}
