@testable import FieldCore
import FieldTesting
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// Devices that an admin's key let in outside of its chain.
@Suite struct WarrantTests {
  let workspace: TestWorkspace
  var directory: Directory
  var founder: TestAuthor
  var second: TestAuthor
  var restored: TestAuthor

  init() throws {
    workspace = try TestWorkspace()
    directory = Directory(workspace: workspace.id)
    founder = try TestAuthor(workspace.founder, in: workspace)
    second = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    restored = try TestAuthor(try TestWorkspace.device(3), in: workspace)
  }

  private func warrant(
    for device: DeviceKey, as role: DeviceRole = .admin, by admin: SigningKeyPair? = nil
  ) -> Warrant {
    Warrant(
      for: device, as: role, epoch: 1, sealedKeys: [], sealedName: [], signedBy: admin ?? workspace.founder,
      in: workspace.id)
  }

  @Test func aRevocationFitsHoweverManyDatabasesThereAre() throws {
    let directory = Directory(workspace: .zero)
    var lastSequences = Dictionary(
      uniqueKeysWithValues: (1...5000).map { (DatabaseID(words: (7, UInt64($0))), UInt64($0)) })
    lastSequences[Directory.database] = 9
    let revocation = directory.revocation(of: .zero, lastSequences: lastSequences)
    #expect(try DirectoryOperation(decoding: revocation.encoded) == revocation)
    guard case .revoke(_, _, let kept) = revocation else {
      Issue.record("no revocation")
      return
    }
    #expect(kept.count == DirectoryOperation.databaseLimit && kept[Directory.database] == nil)
  }

  @Test mutating func aWarrantIsAGrantOutsideOfTheAdminsChain() throws {
    let entry = try restored.sign(warrant(for: restored.key).draft)
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(entry) }
    try directory.apply(workspace.founding)
    try directory.apply(entry)
    #expect(directory.role(of: restored.key) == .admin)
    #expect(directory.credential(of: restored.key) == [workspace.founding.id, entry.id])
    // It lets others in from its own chain.
    try directory.apply(try restored.grant(second.keyPair, .member))
    #expect(directory.role(of: second.key) == .member)
    #expect(directory.credential(of: second.key).count == 3)
  }

  @Test mutating func nobodyButAnAdminWarrants() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .member))
    let entry = try restored.sign(warrant(for: restored.key, by: second.keyPair).draft)
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(entry) }
    try directory.apply(try founder.grant(second.keyPair, .admin))
    try directory.apply(entry)
    #expect(directory.role(of: restored.key) == .admin)
  }

  @Test mutating func aWarrantIsForOneDeviceOneEntryAndOneWorkspace() throws {
    try directory.apply(workspace.founding)
    let warrant = warrant(for: restored.key)
    #expect(throws: EntryError(.malformed, ""), "somebody else's") {
      try directory.apply(try second.sign(warrant.draft))
    }
    var depending = warrant.draft
    depending.dependencies = [workspace.founding.id]
    #expect(throws: EntryError(.malformed, ""), "another entry of the same warrant") {
      try directory.apply(try depending.sign(with: restored.keyPair, following: nil, in: workspace.id))
    }
    #expect(throws: EntryError(.malformed, ""), "a later entry of the same warrant") {
      try directory.apply(
        try warrant.draft.sign(
          with: restored.keyPair, following: ChainLink(sequence: 1, id: .number(1)), in: workspace.id))
    }
    let elsewhere = Warrant(
      for: restored.key, as: .admin, epoch: 1, sealedKeys: [], sealedName: [], signedBy: workspace.founder,
      in: .number(9))
    #expect(throws: EntryError(.malformed, "")) { try directory.apply(try restored.sign(elsewhere.draft)) }
  }

  @Test mutating func everyChangedByteOfAWarrantIsRefused() throws {
    try directory.apply(workspace.founding)
    let payload = DirectoryOperation.warrant(warrant(for: restored.key, as: .member)).encoded
    for index in payload.indices.dropFirst(2) {
      var changed = payload
      changed[index] ^= 1
      let draft = EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: changed)
      let entry = try draft.sign(with: restored.keyPair, following: nil, in: workspace.id)
      #expect(throws: EntryError.self, "byte \(index)") { try directory.apply(entry) }
      #expect(directory.role(of: restored.key) == nil)
    }
  }

  @Test mutating func aRevocationKeepsTheWarrantsThatItNamesAndNoOther() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    try directory.apply(try second.sign(EntryDraft(directory: .epoch(number: 2, history: [], boxes: [:]))))
    var thief = try TestAuthor(try TestWorkspace.device(4), in: workspace)
    let kept = try restored.sign(warrant(for: restored.key, as: .member, by: second.keyPair).draft)
    let later = try thief.sign(warrant(for: thief.key, as: .member, by: second.keyPair).draft)
    try directory.apply(kept)
    let warrants = directory.warrants(by: second.key)
    #expect(warrants.count == 1)
    try directory.apply(try founder.revoke(second.keyPair, upTo: second.directoryEntries.last, keeping: warrants))
    #expect(directory.role(of: restored.key) == .member)
    try directory.apply(later)
    #expect(directory.role(of: thief.key) == nil, "made with the key of a revoked admin")
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.admit(try thief.write("canary").header) }
  }

  /// What a restored founder's device may do: put out the key that it came from, and go on as the only admin.
  @Test mutating func theFoundersOldKeyCanBeRevokedByTheOneThatItWarrantedFor() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try restored.sign(warrant(for: restored.key).draft))
    try directory.apply(
      try restored.revoke(
        workspace.founder, upTo: founder.directoryEntries.last, keeping: directory.warrants(by: founder.key)))
    #expect(directory.isRevoked(founder.key) && directory.admins == [restored.key])
    try directory.apply(try restored.grant(second.keyPair, .member))
    #expect(directory.role(of: second.key) == .member)
  }

  @Test mutating func oneStateInEveryOrderOfArrival() throws {
    var thief = try TestAuthor(try TestWorkspace.device(4), in: workspace)
    let granted = try founder.grant(second.keyPair, .admin)
    let brought = try restored.sign(warrant(for: restored.key, by: second.keyPair).draft)
    for operation in [workspace.founding, granted, brought] { try directory.apply(operation) }
    let operations = [
      workspace.founding, granted, brought, try restored.grant(try TestWorkspace.device(5), .member),
      try restored.revoke(second.keyPair, keeping: directory.warrants(by: second.key)),
      try thief.sign(warrant(for: thief.key, by: second.keyPair).draft), try thief.write("stolen"),
      try restored.write("kept"),
    ]
    var expected = DirectoryNode(workspace: workspace.id)
    for operation in operations { expected.take(operation) }
    #expect(expected.directory.role(of: restored.key) == .admin && expected.directory.role(of: thief.key) == nil)
    #expect(expected.directory.isRevoked(second.key))
    var random = SeededRandom(seed: 3)
    for _ in 0..<2000 {
      var node = DirectoryNode(workspace: workspace.id)
      for operation in operations.shuffled(using: &random) { node.take(operation) }
      #expect(node.state == expected.state)
    }
  }
}
