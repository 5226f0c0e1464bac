@testable import FieldCore
import FieldWire
import Noise
import Sodium
import StoreFixtures

/// Attacks that one defence stands against. Each returns whether it succeeded, so that ``DefenceTests`` can see that it
/// does once the defence is off.
enum Attacks {
  /// A relay changes a byte of a payload, and leaves the signature alone.
  static func alteredPayload() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    var entry = try TestAuthor(workspace.founder, in: workspace).writing("kept")
    entry.payload[0] ^= 1
    return try await store.put([workspace.founding.entry, entry])[1] == .stored
  }

  /// A relay writes an entry in a member's name.
  static func forgedEntry() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    var entry = try TestAuthor(workspace.founder, in: workspace).writing("forged")
    entry.signature = [UInt8](repeating: 7, count: 64)
    return try await store.put([workspace.founding.entry, entry])[1] == .stored
  }

  /// Somebody who was never let in signs an entry of its own.
  static func strangersEntry() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    let entry = try TestAuthor(try TestWorkspace.device(9), in: workspace).writing("hello")
    return try await store.put([workspace.founding.entry, entry])[1] == .stored
  }

  /// A revoked device goes on writing.
  static func entryAfterRevocation() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    var admin = try TestAuthor(workspace.founder, in: workspace)
    let device = try TestWorkspace.device(2)
    let directory = [workspace.founding, try admin.grant(device, .member), try admin.revoke(device)].map(\.entry)
    return try await store.put(directory + [try TestAuthor(device, in: workspace).writing("late")])[3] == .stored
  }

  /// A revoked device wrote where nobody knew of the revocation yet.
  static func entryBeforeTheNewsOfTheRevocation() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    var admin = try TestAuthor(workspace.founder, in: workspace)
    let device = try TestWorkspace.device(2)
    let grant = try admin.grant(device, .member)
    let late = try TestAuthor(device, in: workspace).writing("late")
    _ = try await store.put([workspace.founding.entry, grant.entry, late])
    _ = try await store.put([try admin.revoke(device).entry])
    return try await !store.contained([late.header.id(in: workspace.id)]).isEmpty
  }

  /// Somebody who was never let in brings the warrant that an admin signed for another device, and then writes.
  static func borrowedWarrant() async throws -> Bool {
    let workspace = try TestWorkspace()
    let store = InMemoryStore(workspace: workspace.id)
    var thief = try TestAuthor(try TestWorkspace.device(9), in: workspace)
    let warrant = Warrant(
      for: try TestWorkspace.device(2).key, as: .admin, epoch: 1, sealedKeys: [], sealedName: [],
      signedBy: workspace.founder, in: workspace.id)
    let entries = [workspace.founding, try thief.sign(warrant.draft), try thief.write("hello")].map(\.entry)
    return try await store.put(entries)[2] == .stored
  }

  /// A device with the workspace's key names a member's key as its own, with a signature of another.
  ///
  /// - Parameter thief: The key that it signs with; a new one where none is given.
  static func borrowedIdentity(
    _ village: Village, of member: SigningKeyPair, signing thief: SigningKeyPair = SigningKeyPair()
  ) throws -> Bool {
    var responder = try SessionHandshake(responderWith: [village.syncKey], identity: SigningKeyPair())
    var noise = try HandshakeState(
      name: try NoiseProtocolName(SessionHandshake.protocolName), role: .initiator, prologue: village.syncKey.prologue,
      localStatic: AgreementKeyPair(), remoteStatic: nil, presharedKeys: [village.syncKey.secret])
    guard case .send(let second) = try responder.received(try noise.writeMessage(payload: [])) else { return false }
    _ = try noise.readMessage(second)
    let third = try noise.writeMessage { hash in
      member.publicKey + thief.sign(Domain.identityProof + [SessionHandshake.Role.initiator.rawValue] + hash)
    }
    guard case .established(let secrets, _)? = try? responder.received(third) else { return false }
    return secrets.peer.bytes == member.publicKey
  }

  /// A connection that leads back to the device that opened it.
  static func reflection(_ village: Village) throws -> Bool {
    var initiator = try SessionHandshake(initiatorWith: village.syncKey, identity: village.founder.keyPair)
    var responder = try SessionHandshake(responderWith: [village.syncKey], identity: village.founder.keyPair)
    guard case .send(let second) = try responder.received(try initiator.start()) else { return false }
    return (try? initiator.received(second)) != nil
  }

  /// A device with the workspace's key and no role asks for what is there.
  static func requestWithoutRole() async throws -> Bool {
    let village = try await Village.make(memberCount: 0)
    try await village.write(3, at: 0)
    let (near, far) = MemoryConnection.pair()
    async let other = SessionEstablisher(identity: SigningKeyPair(), clock: ContinuousClock())
      .initiate(on: near, with: village.syncKey)
    let session = try await SessionEstablisher(identity: village.founder.keyPair, clock: ContinuousClock())
      .respond(on: far, with: [village.syncKey])
    let sync = PeerSync(
      session: session, store: village.founder.store, ownDevice: village.founder.device, ending: .never,
      clock: ContinuousClock())
    let attacker = try await other
    async let running = attacker.run()
    async let outcome = sync.run()
    let head = try? await RemoteStore(session: attacker).head()
    await attacker.close(.done)
    _ = await (running, outcome)
    return head?.entryCount == 4
  }

  /// A revoked device reads what is written from then on.
  static func keyAfterRevocation() throws -> Bool {
    let workspace = try TestWorkspace()
    var directory = Directory(workspace: workspace.id)
    var admin = try TestAuthor(workspace.founder, in: workspace)
    let device = try TestWorkspace.device(2)
    let keys = WorkspaceKeys.generate()
    try directory.apply(workspace.founding)
    for receiver in [workspace.founder, device] {
      let grant = DirectoryOperation.grant(
        device: try receiver.key, role: .member, epoch: 1, sealedKeys: try keys.sealed(to: try receiver.key),
        sealedName: [])
      try directory.apply(try admin.sign(EntryDraft(directory: grant)))
    }
    try directory.apply(try admin.revoke(device))
    try directory.apply(try admin.sign(EntryDraft(directory: try directory.nextEpoch(after: keys))))
    let (ours, theirs) = (directory.keys(for: workspace.founder), directory.keys(for: device))
    guard let writing = ours?.writing, writing.epoch == 2 else { return true }
    return theirs?.contentKeys.contains { $0 == writing } ?? false
  }

  /// A relay reads out of its own keys.
  static func relayReads() throws -> Bool {
    let keys = WorkspaceKeys.generate()
    let relay = try TestWorkspace.device(4)
    let opened = try WorkspaceKeys(opening: try keys.withoutContent.sealed(to: try relay.key), with: relay)
    return !opened.keyring.isEmpty || opened.naming != nil
  }
}

extension TestAuthor {
  /// Its next entry, without moving on.
  func writing(_ text: String) throws -> Entry {
    var author = self
    return try author.write(text).entry
  }
}
