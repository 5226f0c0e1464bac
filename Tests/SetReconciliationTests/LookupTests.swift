import Testing

@testable import SetReconciliation

@Suite struct LookupTests {
  @Test(arguments: [
    KeyedIDSpace.whole, .buckets(count: 1, prefixBits: 32), .buckets(count: 300, prefixBits: 32),
    .buckets(count: 16384, prefixBits: 13), .range(1 << 40),
  ]) func ownIDsAreFoundAndOthersAreLeft(_ space: KeyedIDSpace) {
    var random = SeededRandom(1)
    let sets = random.sets(shared: 2_000, first: 150, second: 200)
    let meant = (sets.first.dropFirst(2_000) + sets.second.dropFirst(2_000)).map(space.value)
    var lookup = KeyedIDLookup(values: meant.shuffled(using: &random), space: space)
    var found: [Int] = []
    for start in stride(from: 0, to: sets.first.count, by: 100) {
      let batch = Array(sets.first[start..<min(start + 100, sets.first.count)])
      found += lookup.matches(in: batch).map { start + $0 }
    }
    #expect(found == Array(2_000..<2_150))
    #expect(lookup.unmatched == sets.second.dropFirst(2_000).map(space.value).sorted())
  }

  @Test func nothingIsFoundForNothing() {
    var random = SeededRandom(2)
    var lookup = KeyedIDLookup(values: [], space: .whole)
    #expect(lookup.matches(in: random.ids(10)) == [] && lookup.unmatched == [])
  }

  /// An id that collides with one that is meant is reported too: the caller sends one entry too many.
  @Test func collisionsAreReported() {
    let space = KeyedIDSpace.buckets(count: 1, prefixBits: 32)
    var lookup = KeyedIDLookup(values: [7, 5, 7, 5, 0], space: space)
    #expect(lookup.unmatched == [0, 5, 7])
    #expect(lookup.matches(in: [KeyedID(7), KeyedID(8), KeyedID(1 << 60 | 7)]) == [0, 2])
    #expect(lookup.unmatched == [0, 5])
  }

  @Test func requestsAreTruncated() {
    var random = SeededRandom(3)
    for id in random.ids(100) {
      let whole = KeyedIDSpace.buckets(count: 77, prefixBits: 32).value(of: id)
      #expect(
        KeyedIDSpace.truncated(whole, toPrefixBits: 20) == KeyedIDSpace.buckets(count: 77, prefixBits: 20).value(of: id)
      )
    }
    #expect(KeyedIDSpace.requestPrefixBits(entryCount: 1_000_000, bucketCount: 1) == 30)
    #expect(KeyedIDSpace.requestPrefixBits(entryCount: 1_000_000, bucketCount: 313) == 22)
    #expect(KeyedIDSpace.requestPrefixBits(entryCount: .max, bucketCount: 1) == 32)
    #expect(KeyedIDSpace.requestPrefixBits(entryCount: 0, bucketCount: 0) == 11)
    #expect(KeyedIDSpace.range(10).value(of: KeyedID(.max)) == 9)
  }
}
