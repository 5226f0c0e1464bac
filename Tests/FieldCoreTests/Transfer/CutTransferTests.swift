import FieldCore
import FieldTesting
import Testing

/// A transfer that is cut at any frame costs what was under way: nothing is lost, nothing comes twice, and in each
/// direction at most one window is sent again, over whatever comes next. What frames do to a link that is cut, lossy or
/// slow is tested in `FrameLinkSimulationTests`; here a message of the connection is as large as a frame, and
/// everything that is under way at the cut is gone.
@Suite(.timeLimit(.minutes(5))) struct CutTransferTests {
  enum Bearer: CaseIterable {
    case gatt, l2cap

    var frameByteCount: Int { self == .gatt ? 485 : 1964 }
    /// What the links' windows let be under way.
    var windowByteCount: Int {
      min(frameByteCount * FrameLinkLimits.windowCeilingFrameCount, FrameLinkLimits.windowByteCount)
    }
    /// The frames at which links are cut: through all of a transfer.
    func cuts(from first: Int) -> StrideTo<Int> {
      stride(from: first, to: self == .gatt ? 216 : 54, by: self == .gatt ? 4 : 1)
    }
  }

  /// Gives up what has arrived and was not read when the connection is lost.
  private struct Forgetful: TransportConnection {
    let connection: any TransportConnection
    let isOver: @Sendable () -> Bool

    var kind: TransportKind { connection.kind }
    var peerDescription: String { connection.peerDescription }
    var maximumMessageByteCount: Int { connection.maximumMessageByteCount }
    func send(_ message: [UInt8]) async throws(TransportError) { try await connection.send(message) }
    func close() async { await connection.close() }
    func receive() async throws(TransportError) -> [UInt8]? {
      let message = try await connection.receive()
      if isOver(), message != nil { throw TransportError(.connectionLost, "cut") }
      return message
    }
  }

  /// A stream's window, and what a second session says to begin with.
  private static let resentByteLimit = SessionLimits.streamWindowByteCount + 8192
  private static let blobByteCount = 100_000
  private static let smallCount = 8

  private func makeVillage() async throws -> Village {
    let village = try await Village.make(memberCount: 1)
    try await village.write(Self.smallCount, at: 0)
    try await village.writeBlob(Self.blobByteCount, at: 0)
    try await village.write(Self.smallCount, at: 1)
    try await village.writeBlob(Self.blobByteCount, at: 1)
    return village
  }

  /// What each end sent, and the entries that came; the resident with the index `dialler` dials, and its frames are
  /// counted.
  private func sync(
    _ village: Village, _ bearer: Bearer, dialler: Int, cutAtFrame cut: Int?
  ) async throws -> (sentByteCounts: [Int], receivedCount: Int, frameCount: Int) {
    let pair = ConnectionPair(
      maximumMessageByteCount: bearer.frameByteCount, bufferByteCount: bearer.windowByteCount,
      forth: ConnectionPair.Faults(cutAtMessage: cut))
    let isCut = cut != nil
    let isOver: @Sendable () -> Bool = { isCut && pair.isOver }
    async let near = end(Forgetful(connection: pair.first, isOver: isOver), village, dialler, true)
    async let far = end(Forgetful(connection: pair.second, isOver: isOver), village, 1 - dialler, false)
    let outcomes = await [near, far]
    return (
      outcomes.map { Int($0?.traffic.sentByteCount ?? 0) },
      outcomes.reduce(0) { $0 + ($1?.progress.receivedCount ?? 0) }, pair.sentMessageCounts[0]
    )
  }

  private func end(
    _ connection: Forgetful, _ village: Village, _ resident: Int, _ isInitiator: Bool
  ) async -> SyncOutcome? {
    try? await PeerSyncTests.run(connection, village, village.residents[resident], isInitiator: isInitiator)
  }

  @Test(arguments: Bearer.allCases, [0, 1]) func everyFrameMayBeTheLast(bearer: Bearer, dialler: Int) async throws {
    let whole = try await sync(try await makeVillage(), bearer, dialler: dialler, cutAtFrame: nil)
    #expect(whole.receivedCount == 2 * Self.smallCount + 2)
    var worst = 0
    for cut in bearer.cuts(from: dialler) {
      let village = try await makeVillage()
      let first = try await sync(village, bearer, dialler: dialler, cutAtFrame: cut)
      #expect(first.frameCount == cut + 1, "the link is to be cut at frame \(cut)")
      // What comes next is another transport, with messages of another size.
      let next = try await PeerSyncTests.sync(village, village.residents[dialler], village.residents[1 - dialler])
      #expect(next.0.isInStep && next.1.isInStep, "cut at frame \(cut), \(next.1.end)")
      let heads = [try await village.residents[0].store.head(), try await village.residents[1].store.head()]
      #expect(heads[0].digest == heads[1].digest, "cut at frame \(cut) \(next.1.end)")
      #expect(heads[0].entryCount == UInt64(2 + 2 * Self.smallCount + 2), "cut at frame \(cut) \(next.1.end)")
      let came = first.receivedCount + next.0.progress.receivedCount + next.1.progress.receivedCount
      #expect(came == 2 * Self.smallCount + 2, "cut at frame \(cut) \(next.1.end)")
      for (end, outcome) in [next.0, next.1].enumerated() {
        let sent = first.sentByteCounts[end] + Int(outcome.traffic.sentByteCount)
        worst = max(worst, sent - whole.sentByteCounts[end])
      }
    }
    #expect(worst <= Self.resentByteLimit, "\(worst) bytes were sent again")
  }
}
