/// What a push did.
public struct PushReport: Hashable, Sendable {
  public var storedCount = 0
  public var storedByteCount = 0
  public var duplicateCount = 0
  public var refusals: [EntryError.Code: Int] = [:]

  public init() {}
}

/// Brings what this store has and another lacks into that one, for a target that does not pull by itself.
public struct EntryPush: Sendable {
  private let source: any ContentAddressedStore
  private let target: any ContentAddressedStore

  public init(from source: any ContentAddressedStore, into target: any ContentAddressedStore) {
    self.source = source
    self.target = target
  }

  public func run(since cursor: StoreCursor?) async throws(StoreError) -> PushReport {
    var report = PushReport()
    for kinds in [[EntryKind.directory], nil] as [Set<EntryKind>?] {
      var pages = try await source.pages(since: cursor, filter: EntryFilter(kinds: kinds))
      while let page = try await pages.next() { try await send(page.listings.map(\.id), into: &report) }
    }
    return report
  }

  private func send(_ ids: [EntryID], into report: inout PushReport) async throws(StoreError) {
    let present = try await target.contained(ids)
    var rest = ids.filter { !present.contains($0) }[...]
    while !rest.isEmpty {
      let entries = try await source.entries(Array(rest))
      guard !entries.isEmpty else { return }
      for (entry, outcome) in zip(entries, try await target.put(entries)) {
        switch outcome {
        case .stored:
          report.storedCount += 1
          report.storedByteCount += entry.encodedByteCount
        case .duplicate: report.duplicateCount += 1
        case .refused(let code): report.refusals[code, default: 0] += 1
        }
      }
      rest = rest[source.handled(by: entries, of: rest)...]
    }
  }
}
