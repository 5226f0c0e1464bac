import FieldCore
import FieldTesting
import Testing

/// A link that is cut at any frame costs what was under way: nothing is lost, nothing comes twice, and at most one
/// window is sent again, over whatever comes next.
@Suite(.timeLimit(.minutes(5))) struct CutLinkTests {
  /// The bearers as frames see them, in no time: what is timed is tested elsewhere.
  enum Bearer: CaseIterable {
    case gatt, l2cap

    func profile(cutAtFrame cut: Int?) -> SimulatedLinkProfile {
      var profile = SimulatedLinkProfile(maximumFrameByteCount: self == .gatt ? 495 : 1974, delay: .zero)
      profile.channelCount = self == .gatt ? 3 : 1
      profile.cutAtFrame = cut
      profile.isCutReported = true
      return profile
    }
  }

  /// Sent ahead of what the other side has stored: a stream's window, and what a second session says to begin with.
  private static let resentByteLimit = SessionLimits.streamWindowByteCount + 8192
  private static let blobByteCount = 90_000
  private static let smallCount = 12

  private func makeVillage() async throws -> Village {
    let village = try await Village.make(memberCount: 1)
    try await village.write(Self.smallCount, at: 0)
    try await village.writeBlob(Self.blobByteCount, at: 0)
    try await village.write(Self.smallCount, at: 1)
    try await village.writeBlob(Self.blobByteCount / 3, at: 1)
    return village
  }

  /// Syncs over datagrams, dialled by the resident with this index.
  private func sync(
    _ village: Village, _ bearer: Bearer, dialler: Int, cutAtFrame cut: Int?
  ) async throws -> [SyncOutcome]? {
    let (near, far) = SimulatedLink.pair(
      seed: UInt64(cut ?? 0), forth: bearer.profile(cutAtFrame: cut), back: bearer.profile(cutAtFrame: nil),
      clock: ContinuousClock())
    async let one = end(.initiator(session: 7), near, village, dialler)
    async let other = end(.acceptor, far, village, 1 - dialler)
    let outcomes = await [one, other]
    return outcomes.contains { $0 == nil } ? nil : outcomes.compactMap { $0 }
  }

  private func end(
    _ role: FrameLink.Role, _ link: SimulatedLink, _ village: Village, _ resident: Int
  ) async -> SyncOutcome? {
    let configuration = FrameLinkConfiguration(maximumFrameByteCount: 1974)
    let isInitiator = if case .initiator = role { true } else { false }
    guard
      let connection = try? await FrameLinkConnection.open(
        role, over: link, configuration: configuration, kind: .simulated, peerDescription: "peer")
    else { return nil }
    return try? await PeerSyncTests.run(connection, village, village.residents[resident], isInitiator: isInitiator)
  }

  private func sentByteCount(_ outcomes: [SyncOutcome]?) -> Int {
    outcomes?.reduce(0) { $0 + Int($1.traffic.sentByteCount) } ?? 0
  }

  @Test(arguments: Bearer.allCases, [0, 1]) func everyFrameMayBeTheLast(bearer: Bearer, dialler: Int) async throws {
    let whole = sentByteCount(try await sync(try await makeVillage(), bearer, dialler: dialler, cutAtFrame: nil))
    #expect(whole > Self.blobByteCount)
    var worst = 0
    for cut in 0..<Self.cutCount {
      let village = try await makeVillage()
      let first = try await sync(village, bearer, dialler: dialler, cutAtFrame: cut)
      let before = first?.reduce(0) { $0 + $1.progress.receivedCount } ?? 0
      // What comes next is another bearer.
      let next = try await PeerSyncTests.sync(village, village.residents[dialler], village.residents[1 - dialler])
      #expect(next.0.isInStep && next.1.isInStep, "cut at frame \(cut)")
      let heads = [try await village.residents[0].store.head(), try await village.residents[1].store.head()]
      #expect(heads[0].digest == heads[1].digest)
      #expect(heads[0].entryCount == UInt64(2 + 2 * Self.smallCount + 2), "cut at frame \(cut)")
      let after = next.0.progress.receivedCount + next.1.progress.receivedCount
      if first != nil { #expect(before + after == 2 * Self.smallCount + 2, "an entry came twice: cut at frame \(cut)") }
      worst = max(worst, sentByteCount(first) + sentByteCount([next.0, next.1]) - whole)
    }
    #expect(worst <= Self.resentByteLimit, "\(worst) bytes were sent again")
  }

  /// Of each of four cases.
  private static let cutCount = 130
}
