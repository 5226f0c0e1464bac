import Testing

@testable import SetReconciliation

@Suite struct KeyedIDTests {
  @Test(arguments: BatchHasher.availableLanes) func batchesAreHashedAsSingleIDs(_ lanes: Int32) {
    var random = SeededRandom(4)
    let key = SummaryKey(words: (random.next(), random.next()))
    for count in [0, 1, 7, 8, 9, 63, 200] {
      let ids = (0..<count).map { _ in SIMD4(random.next(), random.next(), random.next(), random.next()) }
      let expected = ids.map { key.hash(($0[0], $0[1], $0[2], $0[3])) }
      #expect(BatchHasher(key: key, lanes: lanes).hash(ids) == expected)
      #expect(BatchHasher(key: key, lanes: lanes).hash(ids.dropFirst(3)) == Array(expected.dropFirst(3)))
    }
  }

  /// The reference implementation's vector for the bytes 0 to 31 under the key 0 to 15.
  @Test func hashIsTheReference() {
    let word = { (first: UInt64) in (0..<8).reduce(UInt64(0)) { $0 | (first + $1) << (8 * $1) } }
    let key = SummaryKey(words: (word(0), word(8)))
    #expect(key.hash((word(0), word(8), word(16), word(24))).value == 0x7127_512f_72f2_7cce)
  }

  @Test func shortIsNeverZero() {
    #expect(KeyedID(0xffff_ffff_0000_0000).short == 1)
    #expect(KeyedID(0xffff_ffff_0000_0002).short == 2)
  }

  @Test func bucketsAreEven() {
    #expect(KeyedID(.max).bucket(of: 7) == 6)
    #expect(KeyedID(0).bucket(of: 7) == 0)
    #expect(KeyedID(.max).bucket(of: 16384) == 16383)
    var random = SeededRandom(5)
    var counts = [Int](repeating: 0, count: 7)
    for id in random.ids(7_000) { counts[id.bucket(of: 7)] += 1 }
    #expect(counts.allSatisfy { (850...1150).contains($0) })
  }
}
