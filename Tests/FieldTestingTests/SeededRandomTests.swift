import FieldTesting
import Testing

@Suite struct SeededRandomTests {
  @Test func matchesThePublishedSequence() {
    // The reference implementation's first values for the seed 1234567.
    var random = SeededRandom(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
    ]
    let values = (0..<4).map { _ in random.next() }
    #expect(values == expected)
  }

  @Test func chanceKeepsItsRate() {
    var random = SeededRandom(seed: 1)
    let hits = (0..<10_000).count { _ in random.chance(0.1) }
    #expect((850...1150).contains(hits))
    let never = random.chance(0)
    let always = random.chance(1)
    #expect(!never && always)
  }
}
