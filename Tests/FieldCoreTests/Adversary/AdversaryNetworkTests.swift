@testable import FieldCore
import FieldTesting
import FieldWire
import Noise
import Sodium
import StoreFixtures
import Testing

/// Who listens, dials, stands between, records and replays: one test for each row of the table in `Docs/SECURITY.md`.
@Suite struct AdversaryNetworkTests {
  private typealias Handshake = (initiator: SessionHandshake, responder: SessionHandshake)

  private func canaries() -> [[UInt8]] { (0..<20).map { Array("canary \($0) of the workspace".utf8) } }

  private func contains(_ messages: [[UInt8]], _ canary: [UInt8]) -> Bool {
    messages.contains { message in
      guard message.count >= canary.count else { return false }
      return (0...message.count - canary.count).contains { message[$0..<$0 + canary.count].elementsEqual(canary) }
    }
  }

  /// A whole session: handshake, proof of membership, directory, entries of the clear directory among them.
  @Test func adversaryListenerHearsNoCanaryAndNoKey() async throws {
    let village = try await Village.make(memberCount: 1)
    let (near, far) = MemoryConnection.pair()
    let canaries = canaries()
    // What stores hold is ciphertext; the session has to hide even what is not.
    let drafts = canaries.map {
      EntryDraft(
        kind: .documentChange, database: village.database, document: .number(7), keyEpoch: 1, payload: $0)
    }
    _ = try await village.founder.store.append(drafts, signedBy: village.founder.keyPair)
    async let first = PeerSyncTests.run(near, village, village.residents[1], isInitiator: true, Set(Rung.allCases))
    async let second = PeerSyncTests.run(far, village, village.founder, isInitiator: false, Set(Rung.allCases))
    let outcome = try await first
    _ = try await second
    #expect(outcome.isInStep && outcome.progress.receivedCount == 20)
    let capture = near.sentMessages + far.sentMessages
    #expect(capture.prefix(1).map(\.count) == [48] && far.sentMessages.first?.count == 192)
    for canary in canaries { #expect(!contains(capture, canary)) }
    for resident in village.residents { #expect(!contains(capture, resident.device.bytes)) }
    #expect(!contains(capture, village.workspace.bytes))
  }

  @Test func adversaryStrangerGetsNoByteBack() async throws {
    let village = try await Village.make(memberCount: 0)
    let stranger = SigningKeyPair()
    let other = SessionKey(purpose: .sync, workspace: village.workspace, secret: .random(byteCount: 32))
    for message in [
      [], [0], SystemRandom.bytes(48), SystemRandom.bytes(65), SystemRandom.bytes(4096),
      try start(SessionHandshake(initiatorWith: other, identity: stranger)),
    ] {
      let (near, far) = MemoryConnection.pair()
      try await near.send(message)
      let responder = SessionEstablisher(identity: village.founder.keyPair, clock: ContinuousClock())
      await #expect(throws: SessionError.self) { try await responder.respond(on: far, with: [village.syncKey]) }
      #expect(far.sentMessages.isEmpty)
      #expect(try await near.receive() == nil, "closed at once, so the slot is free")
    }
  }

  /// One that sends nothing, and one that stops in the middle.
  @Test(arguments: [0, 1]) func adversarySlowPeerIsGoneAtTheDeadline(messages: Int) async throws {
    let village = try await Village.make(memberCount: 0)
    let clock = VirtualClock()
    let (near, far) = MemoryConnection.pair()
    if messages > 0 {
      try await near.send(try start(SessionHandshake(initiatorWith: village.syncKey, identity: SigningKeyPair())))
    }
    let began = clock.now
    let responder = SessionEstablisher(identity: village.founder.keyPair, clock: clock)
    let code = try await SimulatedThread.run(clock, within: .seconds(60)) {
      do {
        _ = try await responder.respond(on: far, with: [village.syncKey])
        return SessionError.Code?.none
      } catch let error as SessionError {
        return error.code
      }
    }
    #expect(code == .timeout)
    #expect(clock.now.offset - began.offset <= .seconds(10))
  }

  private func start(_ handshake: SessionHandshake) throws -> [UInt8] {
    var handshake = handshake
    return try handshake.start()
  }

  private func pair(_ village: Village, initiator: SigningKeyPair? = nil) throws -> Handshake {
    (
      try SessionHandshake(initiatorWith: village.syncKey, identity: initiator ?? SigningKeyPair()),
      try SessionHandshake(responderWith: [village.syncKey], identity: village.founder.keyPair)
    )
  }

  private func reply(_ step: SessionHandshake.Step) -> [UInt8] {
    switch step {
    case .send(let message): message
    case .established(_, let message): message ?? []
    }
  }

  /// Who stands between with a key of the workspace, but with a device key of its own.
  @Test func adversaryInTheMiddleIsSeenAsItselfAndGetsNothing() async throws {
    let village = try await Village.make(memberCount: 1)
    try await village.write(5, at: 1)
    let proxy = Village.Resident(keyPair: SigningKeyPair(), store: InMemoryStore(workspace: village.workspace))
    let (first, _) = try await PeerSyncTests.sync(village, village.residents[1], proxy)
    #expect(first.end.code == .notAMember)
    // Who dials shows the grants that make it a member, and nothing else.
    let got = try await proxy.store.scan(since: nil, limit: 100, filter: EntryFilter()).listings
    #expect(got.count <= 2 && got.allSatisfy { $0.kind == .directory })
  }

  @Test func adversaryInTheMiddleCannotNameAMembersKey() async throws {
    let village = try await Village.make(memberCount: 0)
    #expect(try Attacks.borrowedIdentity(village, of: village.founder.keyPair) == false)
  }

  /// Who has stolen a device's keys is that device, and nobody else to it: key-compromise impersonation.
  @Test func adversaryWithAStolenKeyIsNobodyElseToItsOwner() async throws {
    let village = try await Village.make(memberCount: 1)
    let (owner, member) = (village.founder.keyPair, village.residents[1].keyPair)
    #expect(try Attacks.borrowedIdentity(village, of: member, signing: owner) == false)
  }

  /// Who recorded a session, and later gets the keys of both devices and of the workspace, has nothing of it: the keys
  /// of the session went with it.
  @Test func adversaryWithAllKeysReadsNoRecordedSession() async throws {
    let village = try await Village.make(memberCount: 1)
    var initiator = try SessionHandshake(initiatorWith: village.syncKey, identity: village.residents[1].keyPair)
    var responder = try SessionHandshake(responderWith: [village.syncKey], identity: village.founder.keyPair)
    let first = try initiator.start()
    let second = reply(try responder.received(first))
    guard case .established(var secrets, let third?) = try initiator.received(second) else {
      Issue.record("no session")
      return
    }
    let packet = try secrets.sending.encrypt(Array("canary".utf8))
    // As either side, with all that is ever on a disk.
    var asResponder = try SessionHandshake(responderWith: [village.syncKey], identity: village.founder.keyPair)
    _ = try asResponder.received(first)
    #expect(throws: SessionError.self) { try asResponder.received(third) }
    var asInitiator = try SessionHandshake(initiatorWith: village.syncKey, identity: village.residents[1].keyPair)
    _ = try asInitiator.start()
    #expect(throws: SessionError.self) { try asInitiator.received(second) }
    // Nor with another session between the same devices.
    let (mine, theirs) = try await establishedPair(village)
    for var cipher in [mine.sending, mine.receiving, theirs.sending, theirs.receiving] {
      #expect(throws: NoiseError.self) { try cipher.decrypt(packet) }
    }
  }

  private func establishedPair(_ village: Village) async throws -> (SessionSecrets, SessionSecrets) {
    var initiator = try SessionHandshake(initiatorWith: village.syncKey, identity: village.residents[1].keyPair)
    var responder = try SessionHandshake(responderWith: [village.syncKey], identity: village.founder.keyPair)
    let second = reply(try responder.received(try initiator.start()))
    guard case .established(let mine, let third?) = try initiator.received(second),
      case .established(let theirs, _) = try responder.received(third)
    else { throw MissingValue() }
    return (mine, theirs)
  }

  @Test func adversaryWithTheKeyAndNoRoleIsToldNothing() async throws {
    #expect(try await Attacks.requestWithoutRole() == false)
  }

  @Test func adversaryReplayIsRefusedAtEveryMessageOfTheHandshake() async throws {
    let village = try await Village.make(memberCount: 0)
    var (initiator, responder) = try pair(village)
    let first = try initiator.start()
    let second = reply(try responder.received(first))
    let third = reply(try initiator.received(second))
    _ = try responder.received(third)
    // To a responder.
    var (newInitiator, newResponder) = try pair(village)
    _ = try newResponder.received(first)
    #expect(throws: SessionError.self) { try newResponder.received(third) }
    // To an initiator.
    _ = try newInitiator.start()
    #expect(throws: SessionError.self) { try newInitiator.received(second) }
  }

  @Test func adversaryReplayOfEachPacketEndsTheSession() async throws {
    for index in 3..<7 {
      let village = try await Village.make(memberCount: 1)
      try await village.write(40, at: 0)
      let packets = Packets()
      let (_, second) = try await PeerSyncTests.sync(
        village, village.founder, village.residents[1],
        tamper: { number, message in packets.replay(number, message, at: index) })
      #expect(packets.isReplayed == (second.end.code == .protocolViolation), "packet \(index): \(second.end)")
      // Nothing is there twice, and nothing is broken.
      let clean = try await PeerSyncTests.sync(village, village.founder, village.residents[1]).0
      #expect(clean.isInStep)
    }
  }

  @Test func adversaryReflectionIsNoPeer() async throws {
    let village = try await Village.make(memberCount: 0)
    // Its own first message, back to it.
    var (initiator, _) = try pair(village)
    let first = try initiator.start()
    #expect(throws: SessionError.self) { try initiator.received(first) }
    #expect(try Attacks.reflection(village) == false)
  }

  /// Purpose, role, workspace and every byte that travels.
  @Test func adversaryDowngradeOfAnyByteFails() async throws {
    let village = try await Village.make(memberCount: 0)
    for position in 0..<(48 + 192 + 160) {
      var (initiator, responder) = try pair(village)
      var altered = false
      func pass(_ message: [UInt8], _ start: Int) -> [UInt8] {
        guard (start..<start + message.count).contains(position) else { return message }
        var message = message
        message[position - start] ^= 0x40
        altered = true
        return message
      }
      var isEstablished = false
      do {
        let second = reply(try responder.received(pass(try initiator.start(), 0)))
        let third = reply(try initiator.received(pass(second, 48)))
        if case .established = try responder.received(pass(third, 240)) { isEstablished = true }
      } catch {}
      #expect(altered && !isEstablished, "byte \(position)")
    }
    for purpose in [SessionPurpose.join, .code] {
      let key = SessionKey(purpose: purpose, workspace: village.workspace, secret: village.syncKey.secret)
      var (_, responder) = try pair(village)
      let first = try start(SessionHandshake(initiatorWith: key, identity: SigningKeyPair()))
      #expect(throws: SessionError.self) { try responder.received(first) }
    }
  }
}

/// Sends one packet a second time in the place of the next.
private final class Packets: Sendable {
  private let state = Monitor<(kept: [UInt8]?, isReplayed: Bool)>((nil, false))

  var isReplayed: Bool { state.withLock { $0.isReplayed } }

  func replay(_ number: Int, _ message: [UInt8], at index: Int) -> [UInt8] {
    state.withLock { state in
      if number == index { state.kept = message }
      guard number == index + 1, let kept = state.kept else { return message }
      state.isReplayed = true
      return kept
    }
  }
}
