/// The odd power sums of a set's short ids in GF(2^32): PinSketch (Dodis, Ostrovsky, Reyzin and Smith, "Fuzzy
/// Extractors", 2004/2008), as Erlay (Naumenko et al. 2019, BIP 330) and libminisketch use it. The exclusive or of two
/// sets' sketches is the sketch of their difference, and c syndromes tell a difference of up to c ids.
///
/// Syndrome k, from 0, is the sum of x^(2k + 1) over the short ids x. On the wire: 4 bytes each, little-endian. Later
/// syndromes extend earlier ones, which need not be sent again.
public struct PinSketch: SetSummary, Hashable {
  /// The most syndromes that are made or read. Decoding is quadratic; larger differences go into buckets, see
  /// ``PartitionedSketch``.
  public static let syndromeLimit = 128

  /// Which syndromes these are. Those that begin at 0 can be decoded, others extend.
  public let syndromes: Range<Int>
  /// Padded for the kernels, with sums that are of no meaning.
  private var sums: [UInt32]

  /// The sketch of the empty set; `nil` for a range that is empty or not within 0 and ``syndromeLimit``.
  public init?(syndromes: Range<Int>) {
    guard !syndromes.isEmpty, syndromes.lowerBound >= 0, syndromes.upperBound <= Self.syndromeLimit else { return nil }
    self.syndromes = syndromes
    sums = Array(repeating: 0, count: FieldKernel.paddedWidth(syndromes.count))
  }

  /// The sketch of the empty set, for differences of up to `capacity` ids, 1 to ``syndromeLimit``.
  public init(capacity: Int) {
    syndromes = 0..<min(max(capacity, 1), Self.syndromeLimit)
    sums = Array(repeating: 0, count: FieldKernel.paddedWidth(syndromes.count))
  }

  /// A sketch that a peer made; `nil` unless it has 4 bytes for each syndrome.
  public init?(bytes: [UInt8], syndromes: Range<Int>) {
    self.init(syndromes: syndromes)
    guard bytes.count == 4 * syndromes.count else { return nil }
    sums.load(from: bytes[...], count: syndromes.count)
  }

  init?(sums: ArraySlice<UInt32>, syndromes: Range<Int>) {
    self.init(syndromes: syndromes)
    guard sums.count == syndromes.count else { return nil }
    self.sums.replaceSubrange(0..<sums.count, with: sums)
  }

  public var bytes: [UInt8] { sums.prefix(syndromes.count).littleEndianBytes }

  public mutating func add(_ ids: [KeyedID]) { add(ids, kernel: .best) }

  mutating func add(_ ids: [KeyedID], kernel: FieldKernel) {
    let (first, width) = (syndromes.lowerBound, sums.count)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let base = sums.baseAddress else { return }
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: ids.count) { elements in
        for index in ids.indices { elements[index] = ids[index].short }
        kernel.addOddPowers(of: UnsafeBufferPointer(elements), rows: nil, from: first, width: width, to: base)
      }
    }
  }

  /// Makes this the sketch of the difference between the two sets; `false`, and nothing done, where the syndromes are
  /// not the same.
  public mutating func formDifference(with other: PinSketch) -> Bool {
    guard syndromes == other.syndromes else { return false }
    for index in sums.indices { sums[index] ^= other.sums[index] }
    return true
  }

  /// Appends syndromes; `false`, and nothing done, unless they follow on these.
  public mutating func extend(by extension: PinSketch) -> Bool {
    let range = syndromes.lowerBound..<`extension`.syndromes.upperBound
    guard `extension`.syndromes.lowerBound == syndromes.upperBound, var joined = PinSketch(syndromes: range) else {
      return false
    }
    joined.sums.replaceSubrange(0..<syndromes.count, with: sums.prefix(syndromes.count))
    joined.sums.replaceSubrange(
      syndromes.count..<range.count, with: `extension`.sums.prefix(`extension`.syndromes.count))
    self = joined
    return true
  }

  /// The short ids of the set, ascending, of the difference after ``formDifference(with:)``. `nil` where there are more
  /// than syndromes, where these are no set's, and where they do not begin at 0. That more ids than c should look like
  /// up to c others has a chance of about 1 in c!.
  public func decode() -> [UInt32]? { decode(kernel: .best) }

  func decode(kernel: FieldKernel) -> [UInt32]? {
    guard syndromes.lowerBound == 0 else { return nil }
    return SyndromeDecoder(kernel: kernel).decode(sums.prefix(syndromes.count))
  }
}

extension PinSketch {
  public static func == (left: Self, right: Self) -> Bool {
    left.syndromes == right.syndromes && left.bytes == right.bytes
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(syndromes)
    hasher.combine(bytes)
  }
}

extension RangeReplaceableCollection<UInt32> {
  /// Four bytes for each.
  var littleEndianBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * count)
    for value in self { for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(shift)))) } }
    return bytes
  }
}

extension [UInt32] {
  /// Replaces the first `count` elements by what `bytes`, 4 for each, hold from their start.
  mutating func load(from bytes: ArraySlice<UInt8>, count: Int, at start: Int = 0) {
    var place = bytes.startIndex
    for index in start..<start + count {
      self[index] =
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
        | UInt32(bytes[place + 3]) << 24
      place += 4
    }
  }
}
