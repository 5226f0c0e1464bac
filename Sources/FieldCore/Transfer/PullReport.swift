public import FieldWire

/// What a pull did.
public struct PullReport: Hashable, Sendable {
  /// Entries that are stored now and were not before.
  public var storedCount = 0
  public var storedByteCount = 0
  /// Entries that came although they were there.
  public var duplicateCount = 0
  /// Entries that were not let in, by reason.
  public var refusals: [EntryError.Code: Int] = [:]
  /// Of those, the ones for whose authors there was no room.
  public private(set) var authorsWithoutRoom: [DeviceKey: Int] = [:]
  /// Entries that were listed and did not come, or came wrong. They are asked for again next time.
  public var missingCount = 0
  /// Entries that the source listed.
  public var listedCount = 0
  /// Everything of the source up to here was settled: stored, there already, or refused for good.
  public var settledThrough: StoreCursor?

  /// The source's order of arrival was read up to here.
  public var coveredThrough: StoreCursor?

  public init() {}

  mutating func refused(_ code: EntryError.Code, _ header: EntryHeader) {
    refusals[code, default: 0] += 1
    if code == .authorQuota { authorsWithoutRoom[header.author, default: 0] += 1 }
  }

  /// Counts what became of entries that were put.
  mutating func add(_ outcomes: [PutOutcome], of entries: ArraySlice<Entry>) {
    for (entry, outcome) in zip(entries, outcomes) {
      switch outcome {
      case .stored:
        storedCount += 1
        storedByteCount += entry.encodedByteCount
      case .duplicate: duplicateCount += 1
      case .refused(let code): refused(code, entry.header)
      }
    }
  }

  mutating func add(_ other: PullReport) {
    storedCount += other.storedCount
    storedByteCount += other.storedByteCount
    duplicateCount += other.duplicateCount
    missingCount += other.missingCount
    listedCount += other.listedCount
    refusals.merge(other.refusals, uniquingKeysWith: +)
    authorsWithoutRoom.merge(other.authorsWithoutRoom, uniquingKeysWith: +)
  }

  public var refusedCount: Int { refusals.values.reduce(0, +) }

  /// Whether something has to be asked for again: it did not come, there was no room for it, or its author may yet turn
  /// out to be a member. Every other refusal is for good.
  public var isHeld: Bool {
    missingCount > 0 || refusals.keys.contains { $0 == .unknownAuthor || $0.isForLackOfRoom }
  }

  /// Whether everything that was listed is in this store now.
  public var isComplete: Bool { missingCount == 0 && refusals.isEmpty }
}
