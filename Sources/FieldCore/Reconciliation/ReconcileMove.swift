import FieldWire
import SetReconciliation

/// One step of a reconciliation, as it stands in a message: a kind (the low four bits of the byte before it), and a
/// body. All blobs are those of SetReconciliation, little-endian.
///
/// | kind | move | body |
/// | --- | --- | --- |
/// | 0 | none: the other side begins | empty |
/// | 1 | sketch | syndromes c (u8, 0 to 64), levels l (u8, 1 to 18), thin estimator (4 each), c syndromes (4 each) |
/// | 2 | list | count (varint), parameter (u8, 1 to 40), Golomb-coded values (bytes) |
/// | 3 | partition | bucket count (varint), syndrome count (varint), 4 bytes for each syndrome of each bucket |
/// | 4 | ask for syndromes | first and one past the last (varint each), bitmap of the buckets (bytes) |
/// | 5 | syndromes | as asked, 4 bytes each (bytes) |
/// | 6 | cells | first index (varint), count (varint), 12 bytes each |
/// | 7 | ask for cells | count (varint) |
/// | 8 | found | entries that will come (varint), entries that are asked for (varint), a Golomb-coded list of them (bytes) |
/// | 9 | found, and everything is asked for | empty |
/// | 10 | undecided: the ladder ends here | reason (u8) |
/// | 11 | follows, in a greeting alone: the first step comes in a message of its own, being long | empty |
/// | 12 | sketch with a wide estimator | the same, but 32 bytes for each level |
/// | 13 | ask for a list | parameter (u8, 1 to 40) |
enum ReconcileMove: Hashable, Sendable {
  case none
  case sketch(DifferenceEstimator, syndromes: [UInt8])
  case list(count: UInt64, parameter: Int, bytes: [UInt8])
  case partition(bucketCount: Int, syndromeCount: Int, bytes: [UInt8])
  case askSyndromes(Range<Int>, bitmap: [UInt8])
  case syndromes([UInt8])
  case cells(first: Int, bytes: [UInt8])
  case askCells(count: Int)
  case found(comingCount: UInt64, askedCount: UInt64, asked: [UInt8])
  case foundAll
  case undecided(UndecidedReason)
  case follows
  case askList(parameter: Int)

  /// Why a side leaves the ladder.
  enum UndecidedReason: UInt8, Sendable, CaseIterable {
    /// It has no rung that could go on.
    case noRung = 1
    /// It has passed over its entries often enough.
    case budget = 2
    /// What the peer sent makes no sense together.
    case contradiction = 3
  }

  var kind: UInt8 {
    switch self {
    case .none: 0
    case .sketch(let estimator, _): estimator.width == .thin ? 1 : 12
    case .list: 2
    case .partition: 3
    case .askSyndromes: 4
    case .syndromes: 5
    case .cells: 6
    case .askCells: 7
    case .found: 8
    case .foundAll: 9
    case .undecided: 10
    case .follows: 11
    case .askList: 13
    }
  }

  func encode(into writer: inout WireWriter) {
    switch self {
    case .none, .foundAll, .follows: break
    case .sketch(let estimator, let syndromes):
      writer.u8(UInt8(clamping: syndromes.count / 4))
      writer.u8(UInt8(clamping: estimator.levelCount))
      writer.raw(estimator.bytes)
      writer.raw(syndromes)
    case .list(let count, let parameter, let bytes):
      writer.varint(count)
      writer.u8(UInt8(clamping: parameter))
      writer.lengthPrefixed(bytes)
    case .partition(let bucketCount, let syndromeCount, let bytes):
      writer.count(bucketCount)
      writer.count(syndromeCount)
      writer.raw(bytes)
    case .askSyndromes(let range, let bitmap):
      writer.count(range.lowerBound)
      writer.count(range.upperBound)
      writer.lengthPrefixed(bitmap)
    case .syndromes(let bytes): writer.lengthPrefixed(bytes)
    case .cells(let first, let bytes):
      writer.count(first)
      writer.count(bytes.count / RatelessCells.cellByteCount)
      writer.raw(bytes)
    case .askCells(let count): writer.count(count)
    case .found(let comingCount, let askedCount, let asked):
      writer.varint(comingCount)
      writer.varint(askedCount)
      writer.lengthPrefixed(asked)
    case .undecided(let reason): writer.u8(reason.rawValue)
    case .askList(let parameter): writer.u8(UInt8(clamping: parameter))
    }
  }

  init(kind: UInt8, from reader: inout WireReader) throws(WireError) {
    switch kind {
    case 0: self = .none
    case 1, 12:
      let width: DifferenceEstimator.Width = kind == 1 ? .thin : .widest
      let count = Int(try reader.u8())
      guard count <= LadderLimits.syndromeLimit else { throw WireError(.limitExceeded, "\(count) syndromes") }
      let levelCount = Int(try reader.u8())
      guard (1...DifferenceEstimator.levelLimit).contains(levelCount),
        let estimator = DifferenceEstimator(bytes: try reader.raw(levelCount * width.byteCount), width: width)
      else { throw WireError(.invalidValue, "an estimator of \(levelCount) levels") }
      self = .sketch(estimator, syndromes: try reader.raw(4 * count))
    case 2:
      let count = try reader.entryCount()
      self = .list(count: count, parameter: try Self.listParameter(&reader), bytes: try Self.blob(&reader))
    case 3:
      let bucketCount = try reader.count(limit: 16_384)
      let syndromeCount = try reader.count(limit: PinSketch.syndromeLimit)
      self = .partition(
        bucketCount: bucketCount, syndromeCount: syndromeCount, bytes: try reader.raw(4 * bucketCount * syndromeCount))
    case 4:
      let lower = try reader.count(limit: PinSketch.syndromeLimit)
      let upper = try reader.count(limit: PinSketch.syndromeLimit)
      guard lower < upper else { throw WireError(.invalidValue, "no syndromes asked for") }
      self = .askSyndromes(lower..<upper, bitmap: try reader.lengthPrefixed(limit: 2048))
    case 5: self = .syndromes(try Self.blob(&reader))
    case 6:
      let first = try reader.count(limit: RatelessCells.cellLimit)
      let count = try reader.count(limit: RatelessCells.cellLimit, itemByteCount: RatelessCells.cellByteCount)
      self = .cells(first: first, bytes: try reader.raw(count * RatelessCells.cellByteCount))
    case 7: self = .askCells(count: try reader.count(limit: LadderLimits.cellCount))
    case 8:
      self = .found(
        comingCount: try reader.entryCount(), askedCount: try reader.entryCount(), asked: try Self.blob(&reader))
    case 9: self = .foundAll
    case 10:
      let code = try reader.u8()
      guard let reason = UndecidedReason(rawValue: code) else {
        throw WireError(.unknownMandatory, "leaving the ladder for reason \(code)")
      }
      self = .undecided(reason)
    case 11: self = .follows
    case 13: self = .askList(parameter: try Self.listParameter(&reader))
    default: throw WireError(.unknownMandatory, "a step of kind \(kind)")
    }
  }

  /// Whether it goes in parts; see ``MovePart``.
  var isLong: Bool {
    switch self {
    case .list(_, _, let bytes), .partition(_, _, let bytes), .cells(_, let bytes):
      bytes.count > LadderLimits.partByteCount / 2
    default: false
    }
  }

  private static func listParameter(_ reader: inout WireReader) throws(WireError) -> Int {
    let parameter = Int(try reader.u8())
    guard (1...GolombSet.parameterLimit).contains(parameter) else {
      throw WireError(.invalidValue, "a list parameter of \(parameter)")
    }
    return parameter
  }

  private static func blob(_ reader: inout WireReader) throws(WireError) -> [UInt8] {
    try reader.lengthPrefixed(limit: LadderLimits.moveByteCount)
  }
}
