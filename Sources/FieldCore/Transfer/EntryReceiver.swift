import FieldWire

/// Takes in entries as they come and stores them while more come, in groups: small ones on a slow link, so that a
/// crash costs little, and larger ones when the link is faster than the disk.
///
/// Every ``receive(_:)`` has to be followed, sooner or later, by ``finish()``, also when the source fails.
public actor EntryReceiver {
  /// What is worth a transaction of its own, and what waits for one at most.
  static let groupByteCount = 32 << 10
  static let waitingByteLimit = 256 << 10

  private let sink: any LocalStore
  private let origin: EntrySource?
  private let didStore: @Sendable (_ group: PullReport, _ total: PullReport) async throws(StoreError) -> Void
  public private(set) var report = PullReport()

  private var entries: [Entry] = []
  private var pieces: [PartialPiece] = []
  private var waitingByteCount = 0
  private var storing: Task<Void, Never>?
  private var failure: StoreError?

  /// - Parameter didStore: Called after each group, with what became of it and with the report so far.
  public init(
    into sink: any LocalStore, origin: EntrySource?,
    didStore: @escaping @Sendable (_ group: PullReport, _ total: PullReport) async throws(StoreError) -> Void = {
      _, _ throws(StoreError) in
    }
  ) {
    self.sink = sink
    self.origin = origin
    self.didStore = didStore
  }

  /// Waits only while more than ``waitingByteLimit`` waits to be stored.
  public func receive(_ entry: Entry) async throws(StoreError) {
    entries.append(entry)
    let content = entry.header.contentHash
    pieces.removeAll { $0.content == content }
    try await take(entry.encodedByteCount)
  }

  /// Bytes of a payload whose entry has not come completely; they are kept across sessions and crashes.
  func keep(_ piece: PartialPiece) async throws(StoreError) {
    pieces.append(piece)
    try await take(piece.bytes.count)
  }

  /// Returns when everything that was received is stored, or refused.
  public func finish() async throws(StoreError) {
    while failure == nil {
      if let storing {
        await storing.value
      } else if entries.isEmpty, pieces.isEmpty {
        return
      } else {
        store()
      }
    }
    if let failure { throw failure }
  }

  func note(missing count: Int) { report.missingCount += count }

  func note(refused code: EntryError.Code, _ header: EntryHeader) { report.refused(code, header) }

  func note(listed count: Int) { report.listedCount += count }

  func note(settled: StoreCursor?, covered: StoreCursor?) {
    report.settledThrough = settled
    report.coveredThrough = covered
  }

  private func take(_ byteCount: Int) async throws(StoreError) {
    if let failure { throw failure }
    waitingByteCount += byteCount
    if waitingByteCount >= Self.groupByteCount, storing == nil { store() }
    while waitingByteCount >= Self.waitingByteLimit, let storing { await storing.value }
  }

  private func store() {
    let (entries, pieces) = (entries, pieces)
    self.entries = []
    self.pieces = []
    waitingByteCount = 0
    storing = Task { await self.store(entries, pieces) }
  }

  private func store(_ entries: [Entry], _ pieces: [PartialPiece]) async {
    do throws(StoreError) {
      var group = PullReport()
      for put in StoreLimits.puts(of: entries) {
        var part = PullReport()
        part.add(try await sink.put(Array(put), from: origin), of: put)
        group.add(part)
        report.add(part)
      }
      for piece in pieces { try await sink.keep(piece) }
      if !entries.isEmpty { try await didStore(group, report) }
    } catch {
      failure = error
    }
    storing = nil
    if failure == nil, waitingByteCount >= Self.groupByteCount { store() }
  }
}
