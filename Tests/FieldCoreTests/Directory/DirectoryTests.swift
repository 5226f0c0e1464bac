@testable import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Testing

@Suite struct DirectoryTests {
  let workspace: TestWorkspace
  var directory: Directory
  var founder: TestAuthor
  var second: TestAuthor
  let third: SigningKeyPair

  init() throws {
    workspace = try TestWorkspace()
    directory = Directory(workspace: workspace.id)
    founder = try TestAuthor(workspace.founder, in: workspace)
    second = try TestAuthor(try TestWorkspace.device(2), in: workspace)
    third = try TestWorkspace.device(3)
  }

  @Test mutating func theFounderIsTheFirstAdmin() throws {
    #expect(directory.devices.isEmpty && directory.role(of: founder.key) == nil)
    try directory.apply(workspace.founding)
    #expect(directory.role(of: founder.key) == .admin)
    #expect(directory.devices == [founder.key])
    #expect(directory.credential(of: founder.key) == [workspace.founding.id])
    #expect(directory.operationCount == 1)
  }

  @Test mutating func nobodyElseFoundsTheWorkspace() throws {
    let nonce = [UInt8](repeating: 1, count: 16)
    for device in [third, workspace.founder] {
      var author = try TestAuthor(device, in: workspace)
      let other = device === third ? nonce : [UInt8](repeating: 2, count: 16)
      let claim = try author.sign(EntryDraft(directory: .found(nonce: other, sealedKeys: [], sealedName: [])))
      #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(claim) }
    }
    let grant = try founder.grant(third, .admin)
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(grant) }
    let revocation = try founder.revoke(third)
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(revocation) }
    #expect(directory.operationCount == 0 && directory.devices.isEmpty)
  }

  @Test mutating func onlyAdminsGrantAndRevoke() throws {
    try directory.apply(workspace.founding)
    for role in [nil, DeviceRole.relay, .member] {
      if let role { try directory.apply(try founder.grant(second.keyPair, role)) }
      #expect(directory.role(of: second.key) == role)
      let grant = try second.grant(third, .member)
      #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(grant) }
      let revocation = try second.revoke(workspace.founder)
      #expect(throws: EntryError(.unknownAuthor, "")) { try directory.apply(revocation) }
    }
    try directory.apply(try founder.grant(second.keyPair, .admin))
    try directory.apply(try second.grant(third, .relay))
    #expect(directory.role(of: try third.key) == .relay)
    #expect(directory.credential(of: try third.key).count == 3)
    #expect(directory.devices == [founder.key, second.key, try third.key].sorted())
  }

  @Test mutating func rolesSayWhoWritesWhat() throws {
    try directory.apply(workspace.founding)
    let header = try second.write("x").header
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.admit(header) }
    try directory.apply(try founder.grant(second.keyPair, .relay))
    #expect(throws: EntryError(.unknownAuthor, "")) { try directory.admit(header) }
    try directory.apply(try founder.grant(second.keyPair, .member))
    try directory.admit(header)
    // A lower role does not take a higher one away.
    try directory.apply(try founder.grant(second.keyPair, .relay))
    try directory.admit(header)
    #expect(directory.role(of: second.key) == .member)
  }

  @Test mutating func revocationWinsWhateverComesAfter() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    let early = try second.write("early").header
    let late = try second.write("late").header
    try directory.apply(try founder.revoke(second.keyPair, keeping: [early.database: 1]))
    #expect(directory.role(of: second.key) == nil && directory.isRevoked(second.key))
    #expect(directory.credential(of: second.key) == [])
    try directory.admit(early)
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(late) }
    try directory.apply(try second.grant(third, .admin))
    #expect(directory.role(of: try third.key) == nil, "taken in, and void")
    try directory.apply(try founder.grant(second.keyPair, .admin))
    #expect(directory.role(of: second.key) == nil)
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(late) }
  }

  @Test mutating func ofTwoRevocationsTheStricterCounts() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .member))
    let written = try (0..<4).map { try second.write("\($0)").header }
    let elsewhere = try second.write("x", in: .number(2)).header
    try directory.apply(try founder.revoke(second.keyPair, keeping: [.number(1): 3, .number(2): 1]))
    try directory.admit(written[2])
    try directory.admit(elsewhere)
    try directory.apply(try founder.revoke(second.keyPair, keeping: [.number(1): 2]))
    try directory.admit(written[1])
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(written[2]) }
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(elsewhere) }
    try directory.apply(try founder.revoke(second.keyPair, keeping: [.number(1): 4, .number(2): 4]))
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(written[2]) }
    #expect(throws: EntryError(.revokedAuthor, "")) { try directory.admit(elsewhere) }
  }

  @Test mutating func theFounderCanBeRevokedWhileAnotherAdminIsThere() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    try directory.apply(try second.revoke(workspace.founder, upTo: founder.directoryEntries.last))
    #expect(directory.role(of: founder.key) == nil && directory.admins == [second.key])
    // What it granted stays, what it grants now does not count.
    try directory.apply(try founder.grant(third, .member))
    #expect(directory.role(of: try third.key) == nil)
    #expect(directory.credential(of: second.key).count == 2)
  }

  /// Whoever is to be revoked may have left places free in its chain, or write in old ones.
  @Test mutating func aRevokedAdminHasNoPlaceLeftToWriteIn() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    var (fork, planned) = (second, second)
    let kept = try second.grant(try TestWorkspace.device(7), .member)
    try directory.apply(kept)
    let (far, hanging) = try (
      DirectoryTests.grant(by: second, at: ChainLink(sequence: 40, id: kept.id), in: workspace),
      DirectoryTests.grant(by: second, at: ChainLink(sequence: .max - 1, id: .number(9)), in: workspace)
    )
    for entry in [far, hanging] { try directory.apply(entry) }
    let revocation = directory.revocation(of: second.key, lastSequences: [Directory.database: .max])
    try directory.apply(try founder.sign(EntryDraft(directory: revocation)))
    #expect(directory.isRevoked(second.key))
    #expect(try directory.role(of: TestWorkspace.device(7).key) == .member)

    _ = try planned.sign(EntryDraft(directory: .epoch(number: 9, history: [], boxes: [:])))
    let entries = [
      try fork.grant(third, .admin), try planned.grant(third, .admin),
      try DirectoryTests.grant(third, by: second, at: ChainLink(sequence: 20, id: kept.id), in: workspace),
    ]
    for entry in entries { try directory.apply(entry) }
    #expect(try directory.role(of: third.key) == nil)
  }

  private static func grant(
    _ device: SigningKeyPair? = nil, by author: TestAuthor, at link: ChainLink, in workspace: TestWorkspace
  ) throws -> VerifiedEntry {
    let operation = DirectoryOperation.grant(
      device: try device?.key ?? .number(50), role: .admin, epoch: 1, sealedKeys: [], sealedName: [])
    return try EntryDraft(directory: operation).sign(with: author.keyPair, following: link, in: workspace.id)
  }

  @Test mutating func aRevocationThatWouldLeaveNoAdminCountsNowhere() throws {
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    // It cuts off the grant that its own author stands on.
    try directory.apply(try second.revoke(workspace.founder))
    #expect(directory.admins == [founder.key, second.key].sorted())
    var alone = Directory(workspace: workspace.id)
    try alone.apply(workspace.founding)
    let own = try founder.revoke(workspace.founder, upTo: founder.directoryEntries.last)
    #expect(throws: EntryError(.lastAdmin, "")) { try alone.applyOwn(own) }
  }

  @Test mutating func ofTwoAdminsWhoRevokeEachOtherTheHigherStays() throws {
    var third = try TestAuthor(third, in: workspace)
    try directory.apply(workspace.founding)
    try directory.apply(try founder.grant(second.keyPair, .admin))
    try directory.apply(try founder.grant(third.keyPair, .admin))
    try directory.apply(try third.revoke(second.keyPair))
    #expect(directory.role(of: second.key) == nil)
    try directory.apply(try second.revoke(third.keyPair))
    #expect(directory.role(of: second.key) == .admin && directory.role(of: third.key) == nil)
    // Once the higher one has seen it, both count.
    try directory.apply(try founder.revoke(second.keyPair))
    #expect(directory.role(of: second.key) == nil && directory.role(of: third.key) == .admin)
  }

  @Test mutating func takingAnEntryInAgainChangesNothing() throws {
    let entries = [
      workspace.founding, try founder.grant(second.keyPair, .member), try founder.grant(third, .member),
      try founder.revoke(third),
    ]
    for entry in entries { try directory.apply(entry) }
    let (count, roles) = (directory.operationCount, directory.devices)
    for entry in entries { try directory.apply(entry) }
    #expect(directory.operationCount == count)
    #expect(directory.devices == roles)
    #expect(directory.devices == [founder.key, second.key].sorted())
  }

  @Test mutating func payloadsThatMeanNothingAreMalformed() throws {
    try directory.apply(workspace.founding)
    for payload in [[], [1], [1, 9], [9, 1], [1, 2, 3]] as [[UInt8]] {
      let draft = EntryDraft(kind: .directory, database: Directory.database, keyEpoch: 0, payload: payload)
      let entry = try founder.sign(draft)
      #expect(throws: EntryError(.malformed, "")) { try directory.apply(entry) }
    }
  }

  @Test func keysOpenForWhomTheyWereSealedTo() throws {
    let keys = WorkspaceKeys.generate()
    let sealed = try keys.sealed(to: try third.key)
    #expect(try WorkspaceKeys(opening: sealed, with: third).encoded == keys.encoded)
    #expect(throws: EntryError(.undecryptable, "")) { try WorkspaceKeys(opening: sealed, with: workspace.founder) }
    let relay = try WorkspaceKeys(opening: try keys.withoutContent.sealed(to: try third.key), with: third)
    #expect(relay.naming == nil && relay.contentKeys.isEmpty && relay.presence == keys.presence)
    #expect(relay.keyring.isEmpty)
  }
}
