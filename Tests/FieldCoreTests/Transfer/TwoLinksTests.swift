import FieldTesting
import Testing

@testable import FieldCore

/// Two connections to one peer at the same time, as when a better one is made before the other is left, or when both
/// sides dial at once: nothing comes twice.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TwoLinksTests {
  private static let smallCount = 60
  private static let blobCount = 2
  /// A large entry without its payload, which may come again, and more than that.
  private static let headByteCount = 320
  private static var entryCount: Int { 2 * (smallCount + blobCount) }

  private static func makeVillage() async throws -> Village {
    let village = try await Village.make(memberCount: 1)
    for resident in [0, 1] {
      try await village.write(smallCount, at: resident, contentByteCount: 600)
      for _ in 0..<blobCount { try await village.writeBlob(60_000, at: resident) }
    }
    return village
  }

  private struct Result: Sendable {
    /// Of both sessions, and both ends.
    var receivedCount = 0
    var duplicateCount = 0
    var receivedEntryByteCount = 0
    var heads: [StoreHead] = []
    var settledCount = 0

    mutating func add(_ outcome: SyncOutcome) {
      receivedCount += outcome.progress.receivedCount
      duplicateCount += outcome.progress.duplicateCount
      receivedEntryByteCount += Int(outcome.traffic.receivedEntryByteCount)
      if outcome.isInStep { settledCount += 1 }
    }
  }

  /// - Parameters:
  ///   - delay: When the second link comes; `nil`: never.
  ///   - cutAt: When the first link is lost, without a word.
  private static func sync(
    _ template: Village, secondDialler: Int, delay: Duration?, cutAt: Duration? = nil, takesTurns: Bool = true
  ) async throws -> Result {
    let clock = VirtualClock()
    return try await SimulatedThread.run(clock) {
      let stack = WholeStack(village: try await template.copy(), clock: clock, takesTurns: takesTurns)
      var profile = SimulatedLinkProfile(maximumFrameByteCount: 495, delay: .milliseconds(25))
      profile.bytesPerSecond = 22_000
      profile.sendQueueFrameCount = 16
      profile.stalls = cutAt.map { [$0..<$0 + .seconds(60)] } ?? []
      let radio = profile
      async let first = stack.sync(dialler: 0, forth: radio, back: radio)
      async let second = network(stack, secondDialler, delay)
      var result = Result()
      for outcome in try await first.compactMap(\.outcome) + second { result.add(outcome) }
      for resident in stack.village.residents { result.heads.append(try await resident.store.head()) }
      return result
    }
  }

  private static func network(_ stack: WholeStack, _ dialler: Int, _ delay: Duration?) async throws -> [SyncOutcome] {
    guard let delay else { return [] }
    try await stack.clock.sleep(for: delay)
    return try await stack.syncOverNetwork(dialler: dialler)
  }

  /// - Parameter limit: Bytes of entries that may come.
  private func expectWhole(_ result: Result, _ what: String, within limit: Int) {
    #expect(result.heads[0].digest == result.heads[1].digest, "\(what)")
    #expect(result.heads[0].entryCount == UInt64(2 + Self.entryCount), "\(what)")
    #expect(result.receivedCount == Self.entryCount, "\(what)")
    #expect(result.duplicateCount <= WholeStack.strayCount, "\(what)")
    #expect(result.receivedEntryByteCount <= limit, "\(what)")
  }

  @Test(arguments: [0, 1]) func nothingComesTwice(secondDialler: Int) async throws {
    let template = try await Self.makeVillage()
    let alone = try await Self.sync(template, secondDialler: 0, delay: nil)
    expectWhole(alone, "one link", within: .max)
    let limit = alone.receivedEntryByteCount + 2 * Self.blobCount * Self.headByteCount
    for delay in Array(stride(from: 0, through: 14_000, by: 700)) + [1, 10, 26, 27, 60, 120, 180] {
      let both = try await Self.sync(template, secondDialler: secondDialler, delay: .milliseconds(delay))
      expectWhole(both, "the second after \(delay) ms", within: limit)
      #expect(both.settledCount == 4, "the second after \(delay) ms")
    }
    let careless = try await Self.sync(
      template, secondDialler: secondDialler, delay: .milliseconds(350), takesTurns: false)
    #expect(careless.receivedEntryByteCount > limit, "sessions that take no turns show what is tested here")
  }

  /// Or a peer could hold every place for a session, with sessions that do nothing.
  @Test func sessionsThatSayNothingDoNotKeepEachOtherOpen() async throws {
    let village = try await Village.make(memberCount: 1)
    let clock = VirtualClock()
    let ends = try await SimulatedThread.run(clock) {
      let stack = WholeStack(village: village, clock: clock)
      async let first = stack.meetMute(0)
      async let second = stack.meetMute(0)
      return try await [first, second].map(\.end.code)
    }
    #expect(ends == [.timeout, .timeout])
  }

  /// The first link is lost without a word, and the second comes before that is noticed: what the first has brought is
  /// in the store by the time that the second begins.
  @Test(arguments: [0, 1]) func whatCameBeforeALossDoesNotComeAgain(secondDialler: Int) async throws {
    let template = try await Self.makeVillage()
    let alone = try await Self.sync(template, secondDialler: 0, delay: nil)
    // What was under way, in both directions.
    let limit = alone.receivedEntryByteCount + 2 * WholeStack.Bearer.gatt.windowByteCount
    for cut in stride(from: 200, to: 8_000, by: 600) {
      let both = try await Self.sync(
        template, secondDialler: secondDialler, delay: .milliseconds(cut + 1000), cutAt: .milliseconds(cut))
      expectWhole(both, "lost after \(cut) ms", within: limit)
    }
  }
}
