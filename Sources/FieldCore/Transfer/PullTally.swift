/// What the jobs of a session that bring entries have brought together: pulls, one after the other, and payloads beside
/// them.
struct PullTally: Sendable {
  enum Job: Sendable {
    case pull, contents
  }

  private var ended = PullReport()
  private var running: [Job: PullReport] = [:]

  mutating func note(_ report: PullReport, of job: Job) { running[job] = report }

  mutating func end(_ job: Job) {
    guard let report = running.removeValue(forKey: job) else { return }
    ended.storedCount += report.storedCount
    ended.storedByteCount += report.storedByteCount
    ended.duplicateCount += report.duplicateCount
    ended.refusals.merge(report.refusals, uniquingKeysWith: +)
  }

  private var reports: [PullReport] { [ended] + running.values }
  var storedCount: Int { reports.reduce(0) { $0 + $1.storedCount } }
  var storedByteCount: Int { reports.reduce(0) { $0 + $1.storedByteCount } }
  var duplicateCount: Int { reports.reduce(0) { $0 + $1.duplicateCount } }
  var refusedCount: Int { reports.reduce(0) { $0 + $1.refusedCount } }
}
