import FieldTesting
import FieldWire
import SetReconciliation
import Testing

@testable import FieldCore

/// The keyed Bloom summary, the rung for peers without sketches: as many false positives as designed, and others in
/// every session.
@Suite struct BloomSummaryTests {
  private static func ids(_ count: Int, _ random: inout SeededRandom) -> [EntryID] {
    (0..<count).map { _ in EntryID(words: (random.next(), random.next(), random.next(), random.next())) }
  }

  private static func summary(of ids: [EntryID], session: UInt64, attempt: UInt32 = 0) -> BloomSummary {
    let secrets = ReconcileSecrets(handshakeHash: SeededRandom(seed: session).copyBytes(64))
    var summary = BloomSummary(
      entryCount: ids.count, bitsPerEntry: 10, key: secrets.bloomKey(attempt: attempt, author: .initiator))
    for id in ids { summary.insert(id.words) }
    return summary
  }

  @Test(arguments: [10, 100, 1000, 10_000, 100_000])
  func falsePositivesAreAsDesigned(count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    let own = Self.ids(count, &random)
    let others = Self.ids(2000, &random)
    let sessionCount = max(2, min(40, 40_000 / count))
    var (hitCount, designed) = (0, 0.0)
    for session in 0..<sessionCount {
      let summary = Self.summary(of: own, session: UInt64(session) &* 31 &+ UInt64(count))
      #expect(own.prefix(500).allSatisfy { summary.mayContain($0.words) })
      hitCount += others.count(where: { summary.mayContain($0.words) })
      // (1 - (1 - 1/m)^(kn))^k, Bloom 1970.
      var isClear = 1.0
      let shrink = 1 - 1 / Double(summary.bitCount)
      for _ in 0..<summary.probeCount * count { isClear *= shrink }
      var rate = 1.0
      for _ in 0..<summary.probeCount { rate *= 1 - isClear }
      designed += rate
    }
    let rate = Double(hitCount) / Double(sessionCount * others.count)
    let expected = designed / Double(sessionCount)
    #expect(rate < expected * 1.5 && rate > expected / 1.5, "\(rate) where \(expected) was designed")
  }

  @Test func everySessionAndAttemptHidesOthers() {
    var random = SeededRandom(seed: 3)
    let (own, others) = (Self.ids(1000, &random), Self.ids(20_000, &random))
    func hidden(_ session: UInt64, _ attempt: UInt32) -> Set<EntryID> {
      let summary = Self.summary(of: own, session: session, attempt: attempt)
      return Set(others.filter { summary.mayContain($0.words) })
    }
    let (first, second, retry) = (hidden(1, 0), hidden(2, 0), hidden(1, 1))
    #expect(first.count > 80 && second.count > 80 && retry.count > 80)
    // By chance alone: one in a hundred of one in a hundred.
    #expect(first.intersection(second).count < 12 && first.intersection(retry).count < 12)
  }

  @Test func summariesOfOddFormsAreNoneOrHarmless() throws {
    let key = SummaryKey(words: (1, 2))
    for byteCount in [0, 7, BloomSummary.byteLimit + 1] {
      #expect(BloomSummary(bits: [UInt8](repeating: 0, count: byteCount), probeCount: 7, key: key) == nil)
    }
    for probeCount in [0, 31, -1] {
      #expect(BloomSummary(bits: [UInt8](repeating: 0, count: 8), probeCount: probeCount, key: key) == nil)
    }
    var random = SeededRandom(seed: 5)
    let ids = Self.ids(50, &random)
    // All ones hides everything, until everything is listed; all zeros hides nothing.
    let ones = try #require(BloomSummary(bits: [UInt8](repeating: 0xff, count: 64), probeCount: 7, key: key))
    let zeros = try #require(BloomSummary(bits: [UInt8](repeating: 0, count: 64), probeCount: 7, key: key))
    #expect(ids.allSatisfy { ones.mayContain($0.words) && !zeros.mayContain($0.words) })
  }
}
