import FieldTesting
import Testing

@testable import FieldCore

/// Whole stacks over links that lose, reorder, hold up and mangle frames, in virtual time. Transfers are long enough
/// for the handshake's own lost frames, each of which costs a time-out, not to decide.
@Suite(.serialized, .timeLimit(.minutes(5))) struct BadLinkTests {
  struct Air: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var profile: SimulatedLinkProfile
    var blobByteCount = 60_000
    var blobCount = 10

    init(_ name: String, _ start: SimulatedLinkProfile = .gatt, _ change: (inout SimulatedLinkProfile) -> Void) {
      testDescription = name
      profile = start
      profile.sendQueueFrameCount = profile.sendQueueFrameCount ?? 16
      change(&profile)
    }

    static var small: Air {
      var air = Air("MTU 23") {
        $0.maximumFrameByteCount = 20
        $0.bytesPerSecond = 4000
      }
      (air.blobByteCount, air.blobCount) = (6000, 1)
      return air
    }

    static let all: [Air] =
      [0, 0.02, 0.05, 0.1, 0.15, 0.2].map { loss in Air("loss \(loss)") { $0.loss = loss } } + [
        Air("L2CAP", .l2cap) { _ in },
        Air("stalls") { $0.stalls = [.seconds(2) ..< .seconds(4), .seconds(7) ..< .seconds(9)] },
        Air("corruption") { $0.corruption = 0.05 }, small,
      ]
  }

  @Test(arguments: Air.all, [1, 2] as [UInt64]) func convergesAsFastAsTheLossAllows(air: Air, seed: UInt64) async throws
  {
    let village = try await Village.make(memberCount: 1)
    try await village.write(10, at: 0)
    for _ in 0..<air.blobCount { try await village.writeBlob(air.blobByteCount, at: 0) }
    let clock = VirtualClock()
    let ends = try await SimulatedThread.run(clock) {
      try await WholeStack(village: village, clock: clock).sync(
        dialler: 0, forth: air.profile, back: air.profile, seed: seed)
    }
    #expect(ends.allSatisfy { $0.outcome?.isInStep == true })
    #expect(ends[1].receivedCount == 10 + air.blobCount && ends[1].duplicateCount <= WholeStack.strayCount)
    let profile = air.profile
    // What had to go over the link, in frames, each as often as it is lost and mangled.
    let payloadByteCount = profile.maximumFrameByteCount - 10
    let linkByteCount =
      Double(ends[0].streamedByteCount) * Double(profile.maximumFrameByteCount) / Double(payloadByteCount)
    let rate = Double(profile.bytesPerSecond ?? 1) * (1 - profile.loss) * (1 - profile.corruption)
    let floor = linkByteCount / rate
    let took = clock.now.offset / .seconds(1)
    #expect(took <= 1.3 * floor, "\(took) s, and the link allows \(floor)")
  }
}
