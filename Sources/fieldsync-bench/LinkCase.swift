import FieldCore
import FieldTesting
import FieldWire
import Sodium

/// One sync over one kind of link: a member without entries, and one that has some.
struct LinkCase {
  struct Result: Encodable {
    var `case`: String
    /// Bytes of entries, as they stand in their messages, of all bytes on the link.
    var share: Double
    var frames: Int
    var bytes: Int
  }

  private enum Content: String {
    /// One attachment's chunks.
    case blob
    /// Small ones of one author in one database.
    case entries
  }

  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let blobByteCount = 1 << 20
  private static let chunkByteCount = 64 << 10
  private static let entryCount = 1000
  private static let payloadByteCount = 300

  let name: String
  private let content: Content
  private let frameByteCount: Int
  private let messageByteCount: Int

  static let all: [LinkCase] =
    [
      ("l2cap", 1974, FrameLinkLimits.channelMessageByteCount), ("gatt-517", 495, FrameLinkLimits.messageByteCount),
      ("gatt-23", 20, FrameLinkLimits.messageByteCount),
    ].flatMap { bearer, frameByteCount, messageByteCount in
      [Content.blob, .entries].map { content in
        LinkCase(
          name: "\(bearer)-\(content.rawValue)", content: content, frameByteCount: frameByteCount,
          messageByteCount: messageByteCount)
      }
    }

  func measure() async throws -> Result {
    let founder = SigningKeyPair()
    let member = SigningKeyPair()
    let nonce = SystemRandom.bytes(DirectoryOperation.foundingNonceByteCount)
    let workspace = Directory.workspaceID(founder: try Self.key(founder), nonce: nonce)
    let keys = WorkspaceKeys.generate()
    let source = InMemoryStore(workspace: workspace)
    let target = InMemoryStore(workspace: workspace)
    let directory = [
      DirectoryOperation.found(nonce: nonce, sealedKeys: try keys.sealed(to: Self.key(founder)), sealedName: []),
      .grant(
        device: try Self.key(member), role: .member, epoch: 1, sealedKeys: try keys.sealed(to: Self.key(member)),
        sealedName: []),
    ]
    for operation in directory {
      _ = try await source.append(
        [EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: operation.encoded)],
        signedBy: founder)
    }
    // A device holds the directory from the day that it joined.
    _ = try await target.pull(from: source)
    guard let naming = keys.naming, let presence = keys.presence else { throw Failure(description: "no keys") }
    for drafts in drafts(NameHasher(key: naming).database(named: "bench")) {
      _ = try await source.append(drafts, signedBy: founder)
    }

    let profile = Self.profile(frameByteCount: frameByteCount)
    let (near, far) = SimulatedLink.pair(seed: 1, forth: profile, clock: ContinuousClock())
    let key = SessionKey(purpose: .sync, workspace: workspace, secret: presence)
    async let dialled = sync(.initiator(session: 1), near, target, member, key)
    async let accepted = sync(.acceptor, far, source, founder, key)
    let (received, sent) = try await (dialled, accepted)
    guard try await source.head().digest == target.head().digest else {
      throw Failure(description: "\(name): not the same at the end: \(received.outcome.end)")
    }
    let byteCount = received.link.sentByteCount + sent.link.sentByteCount
    return Result(
      case: name, share: Double(received.outcome.traffic.receivedEntryByteCount) / Double(byteCount),
      frames: received.link.sentFrameCount + sent.link.sentFrameCount, bytes: byteCount)
  }

  private func drafts(_ database: DatabaseID) -> [[EntryDraft]] {
    let (count, byteCount, kind): (Int, Int, EntryKind) =
      switch content {
      case .blob: (Self.blobByteCount / Self.chunkByteCount, Self.chunkByteCount, .blobChunk)
      case .entries: (Self.entryCount, Self.payloadByteCount, .documentChange)
      }
    let drafts = (0..<count).map { _ in
      // Chunks belong to no document: zero.
      EntryDraft(
        kind: kind, database: database,
        document: content == .entries ? DocumentID(SystemRandom.bytes(16)) ?? .zero : .zero,
        keyEpoch: 1, payload: SystemRandom.bytes(byteCount))
    }
    let batchCount = content == .blob ? 1 : StoreLimits.putEntryCount / 4
    return stride(from: 0, to: count, by: batchCount).map { Array(drafts[$0..<min(count, $0 + batchCount)]) }
  }

  /// Nothing is lost, and a sender waits for the link, as on L2CAP; GATT's losses are a matter of the radio.
  private static func profile(frameByteCount: Int) -> SimulatedLinkProfile {
    var profile = SimulatedLinkProfile(maximumFrameByteCount: frameByteCount, delay: .zero)
    profile.sendQueueFrameCount = 8
    return profile
  }

  private func sync(
    _ role: FrameLink.Role, _ link: SimulatedLink, _ store: InMemoryStore, _ identity: SigningKeyPair, _ key: SessionKey
  ) async throws -> (outcome: SyncOutcome, link: FrameLinkStatistics) {
    let connection = try await FrameLinkConnection.open(
      role, over: link,
      configuration: FrameLinkConfiguration(
        maximumFrameByteCount: frameByteCount,
        maximumMessageByteCount: FrameLinkConfiguration.messageByteCount(
          within: messageByteCount, frameByteCount: frameByteCount)),
      kind: .simulated, peerDescription: "peer")
    let establisher = SessionEstablisher(identity: identity, clock: ContinuousClock())
    let session =
      role == .acceptor
      ? try await establisher.respond(on: connection, with: [key])
      : try await establisher.initiate(on: connection, with: key)
    let sync = PeerSync(
      session: session, store: store, ownDevice: try Self.key(identity),
      ending: role == .acceptor ? .never : .whenSettled, clock: ContinuousClock())
    return (await sync.run(), connection.statistics)
  }

  private static func key(_ pair: SigningKeyPair) throws -> DeviceKey {
    guard let key = DeviceKey(pair.publicKey) else { throw Failure(description: "not a device key") }
    return key
  }
}
