@testable import FieldCore
import FieldWire
import Sodium
import StoreFixtures
import Testing

/// Who can read what, through epochs.
@Suite struct KeyEpochTests {
  let workspace: TestWorkspace
  var directory: Directory
  var founder: TestAuthor
  let member: SigningKeyPair
  let revoked: SigningKeyPair
  let relay: SigningKeyPair
  let first = WorkspaceKeys.generate()

  init() throws {
    workspace = try TestWorkspace()
    directory = Directory(workspace: workspace.id)
    founder = try TestAuthor(workspace.founder, in: workspace)
    member = try TestWorkspace.device(2)
    revoked = try TestWorkspace.device(3)
    relay = try TestWorkspace.device(4)
    try directory.apply(workspace.founding)
    // The fixture's founding entry holds no keys.
    for (device, role) in [(workspace.founder, .admin), (member, .member), (revoked, .member), (relay, .relay)]
      as [(SigningKeyPair, DeviceRole)]
    {
      try grant(device, role, first)
    }
  }

  private mutating func grant(_ device: SigningKeyPair, _ role: DeviceRole, _ keys: WorkspaceKeys) throws {
    let granted = role == .relay ? keys.withoutContent : keys
    let operation = DirectoryOperation.grant(
      device: try device.key, role: role, epoch: keys.writing?.epoch ?? 0,
      sealedKeys: try granted.sealed(to: try device.key), sealedName: [])
    try directory.apply(try founder.sign(EntryDraft(directory: operation)))
  }

  private func keys(_ device: SigningKeyPair) throws -> WorkspaceKeys { try directory.keys(for: device).orThrow }

  private mutating func startEpoch() throws {
    let operation = try directory.nextEpoch(after: try keys(workspace.founder))
    try directory.apply(try founder.sign(EntryDraft(directory: operation)))
  }

  @Test mutating func aRevokedDeviceGetsNoKeyOfTheNextEpoch() throws {
    #expect(!directory.needsNewEpoch)
    try directory.apply(try founder.revoke(revoked))
    #expect(directory.needsNewEpoch)
    try startEpoch()
    #expect(!directory.needsNewEpoch && directory.currentEpoch == 2)
    let (mine, theirs) = (try keys(member), try keys(revoked))
    #expect(mine.writing?.epoch == 2 && theirs.writing?.epoch == 1)
    #expect(mine.presence != theirs.presence && mine.presenceKeys.count == 2)
    #expect(mine.naming == first.naming)
    let cipher = PayloadCipher(workspace: workspace.id, keyring: mine.keyring)
    let (payload, epoch) = try cipher.seal([1, 2, 3], kind: .documentChange, database: .number(1))
    var header = try founder.write("x").header
    header.keyEpoch = epoch
    header.document = .zero
    #expect(try cipher.open(payload, of: header) == [1, 2, 3])
    let theirCipher = PayloadCipher(workspace: workspace.id, keyring: theirs.keyring)
    #expect(throws: EntryError(.unknownKeyEpoch, "")) { try theirCipher.open(payload, of: header) }
  }

  @Test mutating func aRelayThatIsRevokedHasAKeyOfTheEpochToo() throws {
    try directory.apply(try founder.revoke(relay))
    #expect(directory.needsNewEpoch)
    try startEpoch()
    #expect(!directory.needsNewEpoch)
    #expect(try keys(relay).presence != keys(member).presence)
  }

  @Test mutating func aRelayGetsPresenceKeysAlone() throws {
    try directory.apply(try founder.revoke(revoked))
    try startEpoch()
    let keys = try keys(relay)
    #expect(keys.contentKeys.isEmpty && keys.naming == nil && keys.writing == nil && keys.keyring.isEmpty)
    let theirs = try self.keys(member)
    #expect(keys.presence == theirs.presence)
  }

  @Test mutating func whoWasAwayForTenEpochsCatchesUp() throws {
    for _ in 0..<10 { try startEpoch() }
    let keys = try keys(member)
    #expect(keys.writing?.epoch == 11 && Set(keys.contentKeys.map(\.epoch)) == Set(1...11))
  }

  @Test mutating func whoComesLateReadsWhatWasWrittenBefore() throws {
    for _ in 0..<70 { try startEpoch() }
    let late = try TestWorkspace.device(9)
    try grant(late, .member, try keys(workspace.founder))
    let keys = try keys(late)
    let theirs = try self.keys(member)
    #expect(keys.writing?.epoch == 71 && keys.writing == theirs.writing)
    #expect(Set(keys.contentKeys.map(\.epoch)) == Set(1...71), "more than one grant holds")
  }

  /// Two admins start an epoch without knowing of each other, one of them for a device that the other revoked.
  @Test mutating func ofTwoKeysOfOneEpochEveryDeviceWritesWithTheSame() throws {
    let second = try TestWorkspace.device(5)
    try grant(second, .admin, first)
    var admin = try TestAuthor(second, in: workspace)
    let mine = try directory.nextEpoch(after: try keys(second))
    try directory.apply(try founder.revoke(revoked))
    try startEpoch()
    try directory.apply(try admin.sign(EntryDraft(directory: mine)))
    #expect(directory.currentEpoch == 2 && directory.needsNewEpoch, "the revoked device has one of the keys")
    let all = try [workspace.founder, second, member].map { try keys($0) }
    #expect(all.allSatisfy { $0.writing == all[0].writing && $0.presence == all[0].presence })
    #expect(all.allSatisfy { $0.contentKeys.count == 3 })
    try startEpoch()
    #expect(directory.currentEpoch == 3 && !directory.needsNewEpoch)
    #expect(Set(try keys(revoked).contentKeys.map(\.epoch)) == [1, 2])
  }

  @Test mutating func anEpochNumberThatSkipsAheadCountsForNothing() throws {
    try directory.apply(
      try founder.sign(EntryDraft(directory: .epoch(number: .max, history: [], boxes: [try revoked.key: []]))))
    #expect(directory.currentEpoch == 1)
    try startEpoch()
    #expect(directory.currentEpoch == 2)
  }

  @Test mutating func anEpochOfARevokedAdminIsNotWrittenUnder() throws {
    let second = try TestWorkspace.device(5)
    try grant(second, .admin, first)
    var admin = try TestAuthor(second, in: workspace)
    let theirs = try directory.nextEpoch(after: try keys(second))
    try directory.apply(try founder.revoke(second))
    try directory.apply(try admin.sign(EntryDraft(directory: theirs)))
    #expect(directory.currentEpoch == 1 && directory.needsNewEpoch)
    #expect(try keys(member).writing?.epoch == 1)
    try startEpoch()
    let ours = try keys(member)
    #expect(try ours.keyring.keys(epoch: 2).count == 2, "what was written under it stays readable")
    #expect(ours.contentKeys.filter { $0.epoch == 2 }.count == 1)
    let known = try keys(second)
    #expect(!known.contentKeys.contains { $0 == ours.writing })
  }

  /// An admin who is revoked goes on to seal keys to everybody, and every device takes the entries in.
  @Test(arguments: [false, true]) mutating func keysOfARevokedAdminAreGoodForReadingAlone(isEpoch: Bool) throws {
    let second = try TestWorkspace.device(5)
    try grant(second, .admin, first)
    var admin = try TestAuthor(second, in: workspace)
    try directory.apply(try founder.revoke(second))
    try startEpoch()
    let before = try keys(member)
    for number in 0..<40 as Range<UInt32> {
      let planted = WorkspaceKeys(
        presenceKeys: (1...64).map { .random(epoch: $0 * 1000 + number) }, naming: .random(byteCount: 32),
        contentKeys: (1...64).map { .random(epoch: $0 % 3 + 1 + number / 20 * .max / 2) }.sorted())
      let sealed = try planted.sealed(to: try member.key)
      let operation: DirectoryOperation =
        isEpoch
        ? .epoch(number: 2, history: [], boxes: [try member.key: sealed])
        : .grant(device: try member.key, role: .admin, epoch: 2, sealedKeys: sealed, sealedName: [])
      try directory.apply(try admin.sign(EntryDraft(directory: operation)))
    }
    let after = try keys(member)
    #expect(after.naming == before.naming && after.presence == before.presence && after.writing == before.writing)
    #expect(after.presenceKeys == before.presenceKeys && after.contentKeys == before.contentKeys)
    #expect(after.strayKeys.count == WorkspaceKeys.sealedKeyLimit)
    let passedOn = try WorkspaceKeys(opening: try after.sealed(to: try relay.key), with: relay)
    #expect(passedOn.writing?.epoch == 2 && before.contentKeys.allSatisfy { passedOn.contentKeys.contains($0) })
  }

  /// Before it is revoked, an admin's word counts; what it planted then is bounded, and names nothing anew.
  @Test mutating func keysThatAnAdminPlantsAreBounded() throws {
    let second = try TestWorkspace.device(5)
    try grant(second, .admin, first)
    var admin = try TestAuthor(second, in: workspace)
    for _ in 0..<40 {
      let planted = WorkspaceKeys(
        presenceKeys: (1...64).map { .random(epoch: $0) }, naming: .random(byteCount: 32),
        contentKeys: (1...64).map { _ in .random(epoch: 1) })
      let operation = DirectoryOperation.grant(
        device: try member.key, role: .member, epoch: 1, sealedKeys: try planted.sealed(to: try member.key),
        sealedName: [])
      try directory.apply(try admin.sign(EntryDraft(directory: operation)))
    }
    let keys = try keys(member)
    #expect(keys.naming == first.naming && keys.writing == first.writing && keys.presence == first.presence)
    #expect(keys.contentKeys.count <= WorkspaceKeys.contentKeyLimit + WorkspaceKeys.sealedKeyLimit)
  }
}
