import Testing

@testable import SetReconciliation

@Suite struct GolombTests {
  static func numbers(_ count: Int, below universe: UInt64, _ random: inout SeededRandom) -> [UInt64] {
    (0..<count).map { _ in UInt64.random(in: 0..<universe, using: &random) }.sorted()
  }

  @Test func listsComeBack() {
    var random = SeededRandom(1)
    for (count, universe) in [(0, UInt64(1)), (1, 1), (5, 1), (1, .max), (3, .max), (200, 200), (1_000, 1 << 20)] {
      let numbers = Self.numbers(count, below: universe, &random)
      let bytes = GolombList.encode(numbers, universe: universe)
      #expect(GolombList.decode(bytes, count: count, universe: universe) == numbers)
      // In pieces.
      var decoder = GolombDecoder(count: count, universe: universe)
      let pieces = bytes.map { decoder.append([$0]) ?? [.max] }
      #expect(pieces.flatMap { $0 } == numbers && decoder.isComplete)
    }
    #expect(GolombList.decode(GolombList.encode([0, .max - 1], universe: .max), count: 2, universe: .max) != nil)
  }

  @Test func codeIsNearTheBound() {
    var random = SeededRandom(2)
    for (count, bits) in [(50, 14), (1_000, 10), (5_000, 6), (5_000, 0)] {
      let universe = UInt64(count) << UInt64(bits)
      let size = 8 * GolombList.encode(Self.numbers(count, below: universe, &random), universe: universe).count
      #expect(
        Double(size) < Double(count) * (Double(bits) + 2.05) + 24, "\(count) numbers of \(bits) bits: \(size)")
    }
  }

  /// The format, by hand: universe 32 and 4 numbers give gaps of 8, parameter floor(log2(8 - 8/26)) = 3.
  @Test func bitsAreAsWrittenDown() {
    let bytes = GolombList.encode([1, 9, 9, 31], universe: 32)
    // 0 001 | 10 000 | 0 000 | 110 110
    #expect(bytes == [3, 0b0001_1000, 0b0000_0110, 0b1100_0000])
  }

  @Test func lyingListsAreRefused() {
    var random = SeededRandom(3)
    let numbers = Self.numbers(100, below: 10_000, &random)
    let bytes = GolombList.encode(numbers, universe: 10_000)
    #expect(GolombList.decode(bytes, count: 101, universe: 10_000) == nil)
    #expect(GolombList.decode(bytes, count: 99, universe: 10_000) == nil)
    #expect(GolombList.decode(bytes + [0], count: 100, universe: 10_000) == nil)
    #expect(GolombList.decode(bytes.dropLast(), count: 100, universe: 10_000) == nil)
    #expect(GolombList.decode([], count: 0, universe: 10) == nil)
    #expect(GolombList.decode([0], count: -1, universe: 10) == nil)
    #expect(GolombList.decode([0, 0, 0], count: .max, universe: .max) == nil)
    #expect(GolombList.decode([56] + [UInt8](repeating: 0xff, count: 5_000), count: 1, universe: .max) == nil)
    #expect(GolombList.decode([1], count: 0, universe: 10) == nil, "another parameter")
    for _ in 0..<2_000 {
      var mutated = bytes
      mutated[Int.random(in: mutated.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      if let read = GolombList.decode(mutated, count: 100, universe: 10_000) {
        #expect(read.allSatisfy { $0 < 10_000 } && read == read.sorted() && read.count == 100)
        #expect(GolombList.encode(read, universe: 10_000) == mutated, "one way to write a list")
      }
    }
    for _ in 0..<500 {
      let count = Int.random(in: 0..<40, using: &random)
      let universe = UInt64.random(in: 0 ... .max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
      let parameter = UInt8(GolombList.parameter(count: count, universe: universe))
      let read = GolombList.decode([parameter] + random.bytes(30), count: count, universe: universe)
      #expect(read.map { $0.allSatisfy { $0 < universe } } ?? true)
    }
  }

  @Test func setsAreCompared() throws {
    var random = SeededRandom(4)
    for (shared, own, peer) in [(0, 0, 0), (0, 10, 0), (0, 0, 10), (500, 300, 400), (10, 1_000, 1_000)] {
      let sets = random.sets(shared: shared, first: own, second: peer)
      let parameter = GolombSet.parameter(differences: own + peer)
      var mine = try #require(GolombSet(entryCount: sets.second.count, parameter: parameter))
      var theirs = try #require(GolombSet(entryCount: sets.second.count, parameter: parameter))
      mine.add(sets.first)
      theirs.add(sets.second)
      let bytes = theirs.encoded()
      #expect(Double(bytes.count) < Double(sets.second.count * (parameter + 2)) / 8 + 3)
      let values = try #require(GolombList.decode(bytes, count: sets.second.count, universe: mine.universe))
      let difference = mine.compare(with: values)
      var lookup = KeyedIDLookup(values: difference.ownOnly, space: mine.space)
      #expect(lookup.matches(in: sets.first) == Array(shared..<shared + own))
      // What is asked for by its place, the sender finds.
      let asked = difference.peerOnlyIndexes.map { theirs.sortedValues()[Int($0)] }
      var senders = KeyedIDLookup(values: asked, space: theirs.space)
      #expect(senders.matches(in: sets.second) == Array(shared..<shared + peer))
    }
    #expect(GolombSet(entryCount: -1, parameter: 5) == nil && GolombSet(entryCount: 5, parameter: 41) == nil)
    #expect(GolombSet(entryCount: .max, parameter: 5) == nil && GolombSet(entryCount: 5, parameter: 0) == nil)
    #expect(GolombSet.parameter(differences: 0) == 5 && GolombSet.parameter(differences: 1_000) == 15)
    #expect(GolombSet.parameter(differences: .max) == 40 && GolombSet.parameter(differences: .min) == 5)
  }
}
