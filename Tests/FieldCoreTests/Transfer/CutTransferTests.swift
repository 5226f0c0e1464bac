import FieldTesting
import Foundation
import Testing

@testable import FieldCore

/// A transfer that is cut at any frame costs what was under way: nothing is lost, nothing comes twice, and in each
/// direction at most one window is sent again, over whatever comes next.
@Suite(.serialized, .timeLimit(.minutes(20))) struct CutTransferTests {
  /// The frames at which links are cut: every tenth, beginning with another one in each case, or all.
  private static let cutCount = 500
  private static let step = ProcessInfo.processInfo.environment["FIELD_EVERY_FRAME"] == nil ? 10 : 1
  private static let smallCount = 8
  private static let mediumCount = 4

  private static func makeVillage(_ bearer: WholeStack.Bearer) async throws -> Village {
    let village = try await Village.make(memberCount: 1)
    for resident in [0, 1] {
      try await village.write(smallCount, at: resident)
      try await village.write(mediumCount, at: resident, contentByteCount: 9000)
      for _ in 0..<blobCount(bearer) { try await village.writeBlob(95_000, at: resident) }
    }
    return village
  }

  /// As many as it takes to keep the link busy for all of ``cutCount``.
  private static func blobCount(_ bearer: WholeStack.Bearer) -> Int { bearer == .gatt ? 2 : 10 }

  private static func profile(
    _ bearer: WholeStack.Bearer, cutAtFrame cut: Int? = nil, isReported: Bool = true
  ) -> SimulatedLinkProfile {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: bearer.frameByteCount, delay: .milliseconds(20))
    profile.cutAtFrame = cut
    profile.isCutReported = isReported
    return profile
  }

  /// A transfer that was cut and went on, by end.
  private struct Cut: Sendable {
    var first: [WholeStack.End]
    var next: [SyncOutcome]
    var heads: [StoreHead]
  }

  /// What comes after the cut is another transport, with messages of another size, and the other one dials.
  private static func cut(
    _ template: Village, _ bearer: WholeStack.Bearer, end: Int, atFrame cut: Int
  ) async throws -> Cut {
    let clock = VirtualClock()
    return try await SimulatedThread.run(clock) {
      let stack = WholeStack(village: try await template.copy(), clock: clock)
      // A cut that is told takes along what is under way; one that is not has to be noticed.
      let isReported = cut % 5 != 4
      let first = try await stack.sync(
        dialler: 0, forth: profile(bearer, cutAtFrame: end == 0 ? cut : nil, isReported: isReported),
        back: profile(bearer, cutAtFrame: end == 1 ? cut : nil, isReported: isReported), seed: UInt64(cut))
      let next = try await stack.syncOverNetwork(dialler: 1)
      let residents = stack.village.residents
      return Cut(
        first: first, next: next.reversed(),
        heads: [try await residents[0].store.head(), try await residents[1].store.head()])
    }
  }

  @Test(arguments: WholeStack.Bearer.allCases, [0, 1]) func everyFrameMayBeTheLast(
    bearer: WholeStack.Bearer, cutEnd: Int
  ) async throws {
    let template = try await Self.makeVillage(bearer)
    let entryCount = 2 * (Self.smallCount + Self.mediumCount + Self.blobCount(bearer))
    let clock = VirtualClock()
    let whole = try await SimulatedThread.run(clock) {
      let stack = WholeStack(village: try await template.copy(), clock: clock)
      return try await stack.sync(dialler: 0, forth: Self.profile(bearer), back: Self.profile(bearer))
    }
    #expect(whole.reduce(0) { $0 + $1.receivedCount } == entryCount)
    #expect(whole[cutEnd].sentFrameCount > Self.cutCount, "\(whole[cutEnd].sentFrameCount) frames")
    /// What a byte of an entry costs on the link.
    let costs = whole.map { Double($0.streamedByteCount) / Double(max(1, $0.outcome?.progress.sentByteCount ?? 0)) }
    var worst = 0
    let start = 1 + (bearer == .gatt ? 0 : 2) + cutEnd
    for index in stride(from: Self.step == 1 ? 1 : start, through: Self.cutCount, by: Self.step) {
      let cut = try await Self.cut(template, bearer, end: cutEnd, atFrame: index)
      #expect(cut.first[cutEnd].sentFrameCount >= index)
      #expect(cut.next[0].isInStep && cut.next[1].isInStep, "cut at frame \(index): \(cut.next[1].end)")
      #expect(cut.heads[0].digest == cut.heads[1].digest, "cut at frame \(index)")
      #expect(cut.heads[0].entryCount == UInt64(2 + entryCount), "cut at frame \(index)")
      let came = cut.first.map(\.receivedCount) + cut.next.map(\.progress.receivedCount)
      #expect(came.reduce(0, +) == entryCount, "cut at frame \(index)")
      let doubled = cut.first.map(\.duplicateCount) + cut.next.map(\.progress.duplicateCount)
      #expect(doubled.reduce(0, +) <= WholeStack.strayCount, "cut at frame \(index)")
      for end in [0, 1] {
        let again = Int(Double(cut.next[end].progress.sentByteCount) * costs[end])
        let resent = cut.first[end].streamedByteCount + again - whole[end].streamedByteCount
        worst = max(worst, resent)
        if resent > bearer.windowByteCount {
          Issue.record("cut at frame \(index): end \(end) sent \(resent) bytes again")
        }
      }
    }
    print("\(bearer) \(cutEnd): \(worst) bytes sent again at most, of a window of \(bearer.windowByteCount)")
  }
}
