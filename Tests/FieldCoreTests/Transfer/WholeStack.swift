import FieldTesting
import Testing

@testable import FieldCore

/// Two residents of a ``Village`` with everything between their stores and the air: sync, session, frames, a simulated
/// link, all in virtual time.
struct WholeStack {
  enum Bearer: CaseIterable, Sendable {
    case gatt, l2cap

    var frameByteCount: Int { self == .gatt ? 495 : 1974 }

    /// As `FieldBluetooth` has it.
    var configuration: FrameLinkConfiguration { WholeStack.configuration(frameByteCount: frameByteCount) }

    /// What a receiver makes room for: a window of full frames.
    var windowByteCount: Int { configuration.windowFrameCount * frameByteCount }
  }

  /// What became of one end.
  struct End: Sendable {
    /// `nil` when there was no session.
    var outcome: SyncOutcome?
    /// Bytes that went out on the link for the first time.
    var streamedByteCount = 0
    var sentFrameCount = 0

    var receivedCount: Int { outcome?.progress.receivedCount ?? 0 }
    var duplicateCount: Int { outcome?.progress.duplicateCount ?? 0 }
  }

  /// Entries that may come although they are here: what is asked for by short id brings another one along once in a
  /// thousand (PROTOCOL.md 7.4), and keys are new in each run. A mistake brings many.
  static let strayCount = 2

  let village: Village
  let clock: VirtualClock
  /// One a resident; `nil`: one a session.
  private let turns: [PeerTurns]?

  init(village: Village, clock: VirtualClock, takesTurns: Bool = true) {
    self.village = village
    self.clock = clock
    turns = takesTurns ? village.residents.map { _ in PeerTurns() } : nil
  }

  static func configuration(frameByteCount: Int) -> FrameLinkConfiguration {
    let limit =
      frameByteCount > 517 ? FrameLinkLimits.channelMessageByteCount : FrameLinkLimits.messageByteCount
    return FrameLinkConfiguration(
      maximumFrameByteCount: frameByteCount,
      maximumMessageByteCount: FrameLinkConfiguration.messageByteCount(within: limit, frameByteCount: frameByteCount))
  }

  /// Syncs until both sides are done or the link is gone.
  ///
  /// - Parameters:
  ///   - dialler: The index of the resident who dials.
  ///   - forth: What the link does to the dialler's frames.
  /// - Returns: The dialler's end, then the other.
  func sync(
    dialler: Int, forth: SimulatedLinkProfile, back: SimulatedLinkProfile, seed: UInt64 = 1
  ) async throws -> [End] {
    let (near, far) = SimulatedLink.pair(seed: seed, forth: forth, back: back, clock: clock)
    async let first = end(.initiator(session: 7), near, dialler)
    async let second = end(.acceptor, far, 1 - dialler)
    return await [first, second]
  }

  /// The same over a sound network, whose messages are large.
  func syncOverNetwork(dialler: Int) async throws -> [SyncOutcome] {
    let pair = ConnectionPair()
    return try await sync(dialler: dialler, over: pair)
  }

  func sync(dialler: Int, over pair: ConnectionPair) async throws -> [SyncOutcome] {
    async let first = sync(dialler, on: pair.first, isInitiator: true)
    async let second = sync(1 - dialler, on: pair.second, isInitiator: false)
    return try await [first, second]
  }

  /// With a peer that is let in, answers pings, and never says where it stands.
  func meetMute(_ index: Int) async throws -> SyncOutcome {
    let pair = ConnectionPair()
    let establisher = SessionEstablisher(identity: village.residents[1 - index].keyPair, clock: clock)
    let key = village.syncKey
    async let mute = establisher.initiate(on: pair.first, with: key).run()
    let outcome = try await sync(index, on: pair.second, isInitiator: false)
    _ = try await mute
    return outcome
  }

  private func end(_ role: FrameLink.Role, _ link: SimulatedLink, _ index: Int) async -> End {
    var end = End()
    let configuration = Self.configuration(frameByteCount: link.maximumFrameByteCount)
    if let connection = try? await FrameLinkConnection.open(
      role, over: link, configuration: configuration, kind: .bluetooth, peerDescription: "peer", clock: clock)
    {
      end.outcome = try? await sync(index, on: connection, isInitiator: role != .acceptor)
      await connection.close()
      end.streamedByteCount = connection.statistics.streamedByteCount
    }
    end.sentFrameCount = link.sentFrameCount
    return end
  }

  private func sync(
    _ index: Int, on connection: any TransportConnection, isInitiator: Bool
  ) async throws -> SyncOutcome {
    let resident = village.residents[index]
    let establisher = SessionEstablisher(identity: resident.keyPair, clock: clock)
    let session =
      isInitiator
      ? try await establisher.initiate(on: connection, with: village.syncKey)
      : try await establisher.respond(on: connection, with: [village.syncKey])
    return await PeerSync(
      session: session, store: resident.store, ownDevice: resident.device, ending: isInitiator ? .whenSettled : .never,
      turns: turns?[index] ?? PeerTurns(), clock: clock
    ).run()
  }
}
