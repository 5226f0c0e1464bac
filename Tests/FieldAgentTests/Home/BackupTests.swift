import FieldCore
import FieldDocuments
import FieldStore
import FieldWire
import Foundation
import Sodium
import Testing

@testable import FieldAgent

/// Backups, and what may be done with them: above all that no chain of entries is ever gone on with in two places.
struct BackupTests {
  private static let passphrase = SecretBytes(copying: Array("correct horse".utf8))
  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private func home(_ name: String) -> Home { Home(directory: temporary / name, cost: .least) }

  private var file: String { temporary / "backup" }

  /// A device that `admin` let in.
  private func member(_ name: String, of admin: OpenHome, as role: DeviceRole = .member) async throws -> OpenHome {
    let home = home(name)
    let joining = try home.beginJoining(try admin.invite(role: role, lifetime: .seconds(60)), name: name)
    return try await home.finishJoining(try await admin.admit(joining.device, named: name, as: role))
  }

  /// What a sync amounts to: both hold everything, as far as each admits it.
  private func exchange(_ homes: OpenHome...) async throws {
    for _ in 0..<2 {
      for from in homes {
        for to in homes where to.home.directory != from.home.directory {
          let page = try await from.store.scan(since: nil, limit: 1000, filter: EntryFilter())
          _ = try await to.store.put(try await from.store.entries(page.listings.map(\.id)))
        }
      }
    }
  }

  private func write(_ count: Int, as name: String, in home: OpenHome) async throws {
    let database = try home.database(named: "notes")
    for number in 0..<count { try await database.put("\(name) \(number)", set: ["by": .text(name)]) }
  }

  private func restore(_ name: String) async throws -> RestoreSummary {
    try await home(name).restore(from: file, passphrase: { Self.passphrase })
  }

  /// Every place of every chain, once.
  private func expectNoFork(_ homes: OpenHome...) async throws {
    for home in homes {
      #expect(try await home.store.chainAudit().forks.isEmpty)
      #expect(try await home.store.verify().isEmpty)
    }
  }

  @Test func aRestoredAdminGoesOnWithoutAForkHoweverOftenItIsRestored() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    let tablet = try await member("tablet", of: laptop)
    try await write(3, as: "before", in: laptop)
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    try await write(5, as: "behind", in: laptop)
    let phone = try await member("phone", of: laptop)
    try await exchange(laptop, tablet, phone)

    let first = try await restore("first")
    let second = try await restore("second")
    #expect(first.former == laptop.identity.device && first.home.role == .admin && first.contents == .everything)
    #expect(Set([laptop, first.home, second.home].map(\.identity.device)).count == 3)
    // All three write at once, also the one that was lost and is found again.
    for (name, open) in [("lost", laptop), ("first", first.home), ("second", second.home)] {
      try await write(5, as: name, in: open)
    }
    _ = try await member("desk", of: first.home)
    try await exchange(laptop, tablet, phone, first.home, second.home)
    try await expectNoFork(laptop, tablet, phone, first.home, second.home)
    let heads = [
      try await laptop.store.head().digest, try await tablet.store.head().digest, try await phone.store.head().digest,
      try await first.home.store.head().digest, try await second.home.store.head().digest,
    ]
    #expect(Set(heads).count == 1)
    for open in [first.home, second.home, tablet] {
      #expect(try await open.home.open().database(named: "notes").documentNames().count == 3 + 5 + 15)
    }
    #expect(try await second.home.home.open().members.count == 6)
  }

  @Test func aRestoredMemberReadsAndWritesWhenItIsLetInAgain() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    let tablet = try await member("tablet", of: laptop)
    try await write(3, as: "before", in: tablet)
    try tablet.home.petnames.rename(laptop.identity.device, to: "mine")
    _ = try await tablet.home.backup(.everything, to: file, passphrase: Self.passphrase)
    try await write(5, as: "behind", in: tablet)
    try await exchange(laptop, tablet)

    let restored = try await restore("restored").home
    #expect(restored.role == nil && restored.identity.isRestored)
    #expect(try restored.home.petnames.names() == [laptop.identity.device: "mine"])
    #expect(try await restored.database(named: "notes").documentNames().count == 3)
    await #expect(throws: StoreError.self) { try await write(1, as: "too early", in: restored) }

    let asking = try restored.home.beginJoining(
      try laptop.invite(role: .member, lifetime: .seconds(60)), name: "tablet")
    #expect(asking.device == restored.identity.device && asking.device != tablet.identity.device)
    let back = try await restored.home.finishJoining(
      try await laptop.admit(asking.device, named: "tablet", as: .member))
    try await write(5, as: "again", in: back)
    try await exchange(laptop, tablet, back)
    try await expectNoFork(laptop, tablet, back)
    #expect(try await laptop.database(named: "notes").documentNames().count == 13)
  }

  /// The lost device was revoked, as it should be, and with it what its key warrants for later.
  @Test func whoWasRevokedMeanwhileIsLetInAgainByAnotherAdmin() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    let desk = try await member("desk", of: laptop, as: .admin)
    try await write(3, as: "before", in: laptop)
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    try await exchange(laptop, desk)
    try await desk.revoke(laptop.identity.device)

    let restored = try await restore("restored").home
    try await exchange(desk, restored)
    #expect(try await restored.home.open().role == nil)
    #expect(try await desk.store.directory().role(of: restored.identity.device) == nil)
    await #expect(throws: StoreError.self) { try await write(1, as: "too early", in: restored) }
    let asking = try restored.home.beginJoining(
      try desk.invite(role: .member, lifetime: .seconds(60)), name: "laptop")
    #expect(asking.device == restored.identity.device)
    let back = try await restored.home.finishJoining(try await desk.admit(asking.device, named: "laptop", as: .member))
    #expect(back.role == .member)
    try await exchange(desk, back)
    try await write(2, as: "again", in: try await back.home.open())
    try await exchange(desk, back)
    try await expectNoFork(desk, back)
    let names = try await desk.home.open().database(named: "notes").documentNames()
    #expect(names.count == 5)
  }

  /// Keys of epochs that began behind the backup are sealed to the old key alone.
  @Test func aRestoredAdminReadsWhatWasWrittenUnderLaterKeys() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    let (tablet, thief) = (try await member("tablet", of: laptop), try await member("thief", of: laptop))
    _ = try await laptop.home.backup(.identity, to: file, passphrase: Self.passphrase)
    try await laptop.revoke(thief.identity.device)
    try await exchange(laptop, tablet)
    try await write(2, as: "later", in: try await tablet.home.open())

    let restored = try await restore("restored")
    #expect(restored.contents == .identity)
    try await exchange(tablet, restored.home)
    let open = try await restored.home.home.open()
    #expect(open.directory.currentEpoch == 2)
    #expect(try await open.database(named: "notes").documentNames().count == 2)
    try await write(1, as: "back", in: open)
    try await exchange(tablet, open)
    #expect(try await tablet.home.open().database(named: "notes").documentNames().count == 3)
    // The old key is put out, and takes nothing with it.
    try await open.revoke(restored.former)
    try await exchange(tablet, open)
    let end = try await tablet.home.open()
    #expect(end.directory.admins == [open.identity.device])
    #expect(try await end.database(named: "notes").documentNames().count == 3)
    try await expectNoFork(tablet, open)
  }

  @Test func usedInvitationsDoNotComeBack() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    _ = try laptop.invite(role: .admin, lifetime: .seconds(60))
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    #expect(try await restore("restored").home.home.invitations.pending().isEmpty)
  }

  @Test func everyChangedOrMissingByteIsNoticedAndLeavesNothing() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    _ = try await laptop.home.backup(.identity, to: file, passphrase: Self.passphrase)
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
    let broken = temporary / "broken"
    let header = SealedFile.headerByteCount
    let chunk = SealedFile.chunkByteCount + SecretStream.overheadByteCount
    #expect(bytes.count > header + chunk, "more than one chunk")
    // Each byte of the header and of the ends of chunks, and some of each chunk.
    let places =
      Array(0..<header + 24) + [header + chunk - 1, header + chunk, bytes.count - 1]
      + stride(from: header, to: bytes.count, by: 4099)
    func attempt(_ bytes: [UInt8], _ what: String) async throws {
      try Data(bytes).write(to: URL(filePath: broken))
      let error = await #expect(throws: AgentError.self, "\(what)") {
        try await home("restored").restore(from: broken, passphrase: { Self.passphrase })
      }
      #expect([.damaged, .wrongPassphrase, .configuration].contains(error?.code), "\(what)")
    }
    for place in places {
      var changed = bytes
      changed[place] ^= 1
      try await attempt(changed, "byte \(place)")
    }
    for length in [0, 1, header - 1, header, header + 1, header + chunk, bytes.count - chunk, bytes.count - 1] {
      try await attempt(Array(bytes.prefix(length)), "\(length) bytes")
    }
    try await attempt(bytes + [0], "one byte more")
    try await attempt(Array(bytes[..<header] + bytes[(header + chunk)...]), "a chunk left out")
    var costly = bytes
    costly.replaceSubrange(17..<25, with: [UInt8](repeating: 0xff, count: 8))
    try await attempt(costly, "a cost without a limit")
    let left = (try? FileManager.default.contentsOfDirectory(atPath: temporary / "restored")) ?? []
    #expect(Set(left).isSubset(of: ["restore.lock"]), "\(left)")
    #expect(try await restore("restored").home.role == .admin, "the place is still free")
  }

  @Test func aWrongPassphraseIsToldApart() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    await #expect(throws: AgentError(.wrongPassphrase, "")) {
      try await home("restored").restore(from: file, passphrase: { SecretBytes(copying: Array("wrong horse".utf8)) })
    }
    #expect(!FileManager.default.fileExists(atPath: temporary / "restored"))
    await #expect(throws: AgentError(.invalidInput, "")) {
      try await laptop.home.backup(
        .everything, to: temporary / "other", passphrase: SecretBytes(copying: Array("short".utf8)))
    }
  }

  @Test func nothingIsOverwrittenAndTheFileIsForItsUserAlone() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    #expect(try permissions(of: file) == 0o600)
    await #expect(throws: AgentError(.cannotWrite, "")) {
      try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    }
    await #expect(throws: AgentError(.alreadyInitialized, "")) {
      try await laptop.home.restore(from: file, passphrase: { Self.passphrase })
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: temporary / ".")
    #expect(Set(files) == ["backup", "laptop"], "\(files)")
    let names = try FileManager.default.contentsOfDirectory(atPath: laptop.home.directory)
    #expect(!names.contains { $0.hasPrefix("store.sqlite.") }, "\(names)")
  }

  @Test func aBackupThatIsStoppedLeavesNoFile() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    await #expect(throws: CancellationError.self) {
      try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase) { _, _ in
        throw CancellationError()
      }
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: temporary / ".")
    #expect(files == ["laptop"], "\(files)")
  }

  @Test func aRestoreThatWasCutIsDoneAgain() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    let restored = try await restore("restored").home
    try await restored.store.close()
    // As a crash before the last step leaves it: the store is in its place, the identity is not.
    try FileManager.default.removeItem(atPath: restored.home.directory + "/identity")
    await #expect(throws: AgentError(.alreadyInitialized, "")) { try await restore("restored") }
    chmod(restored.home.directory, 0o700)
    try Data().write(to: URL(filePath: restored.home.directory + "/restoring"))
    let again = try await restore("restored").home
    #expect(again.role == .admin && again.identity.device != restored.identity.device)
    try await expectNoFork(again)
  }

  /// A backup made while others write is of one moment.
  @Test func aBackupUnderWritesIsWhole() async throws {
    let laptop = try await home("laptop").create(name: "laptop")
    try await write(20, as: "first", in: laptop)
    let database = try laptop.database(named: "notes")
    let writing = Task {
      for number in 0..<200 { try await database.put("meanwhile \(number)", set: ["by": .text("meanwhile")]) }
    }
    _ = try await laptop.home.backup(.everything, to: file, passphrase: Self.passphrase)
    try await writing.value
    let restored = try await restore("restored").home
    let count = try await restored.database(named: "notes").documentNames().count
    #expect((20...220).contains(count))
    try await expectNoFork(restored)
    #expect(try await restored.store.chainAudit().gaps.isEmpty)
  }
}
