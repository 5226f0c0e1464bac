import FieldCore
import FieldDocuments
import FieldStore
import FieldWire
import Foundation
import Sodium
import Testing

@testable import FieldAgent

/// Workspaces that a key alone lets into.
struct SharedKeyTests {
  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private func home(_ name: String) -> Home { Home(directory: temporary / name) }

  private func exchange(_ one: OpenHome, _ other: OpenHome) async throws {
    for (from, to) in [(one, other), (other, one)] {
      let page = try await from.store.scan(since: nil, limit: 1000, filter: EntryFilter())
      _ = try await to.store.put(try await from.store.entries(page.listings.map(\.id)))
    }
  }

  @Test func whoHasTheKeyBelongsAndNobodyElseHasToBeNear() async throws {
    let key = SharedKey.random()
    let again = try SharedKey(text: SecretBytes(copying: Array("  \(key.text.uppercased())\n".utf8)))
    let laptop = try await home("laptop").join(key, name: "laptop")
    let tablet = try await home("tablet").join(again, name: "tablet")
    #expect(laptop.identity.workspace == tablet.identity.workspace)
    #expect(laptop.identity.device != tablet.identity.device)
    #expect(laptop.role == .member && tablet.role == .member)
    #expect(laptop.keys.presence == tablet.keys.presence)
    try await laptop.database(named: "notes").put("today", set: ["text": .text("dry")])
    try await tablet.database(named: "notes").put("later", set: ["text": .text("wet")])
    try await exchange(laptop, tablet)
    for directory in ["laptop", "tablet"] {
      let open = try await home(directory).open()
      #expect(try await open.database(named: "notes").documentNames().count == 2)
      #expect(Set(open.members.map { $0.name ?? "" }) == ["laptop", "tablet", "shared key"])
      #expect(try await open.store.chainAudit().forks.isEmpty)
      #expect(try await open.store.verify().isEmpty)
    }
    #expect(try await laptop.store.head().digest == tablet.store.head().digest)
  }

  @Test func theFoundingEntryIsTheSameForEverybody() throws {
    let key = try SharedKey(text: SecretBytes(copying: Array(String(repeating: "0123456789abcdef", count: 4).utf8)))
    #expect(try key.founding() == key.founding())
    #expect(try key.founding().header.author == DeviceKey(try key.founder().publicKey))
    // Whoever writes another implementation comes to the same workspace.
    let founder = try #require(DeviceKey(try key.founder().publicKey))
    let workspace = Directory.workspaceID(founder: founder, nonce: key.nonce)
    #expect(workspace != Directory.workspaceID(founder: founder, nonce: SharedKey.random().nonce))
  }

  @Test func aDeviceLetsNobodyElseInAndPutsNobodyOut() async throws {
    let key = SharedKey.random()
    let laptop = try await home("laptop").join(key, name: "laptop")
    #expect(throws: AgentError(.notAllowed, "")) { try laptop.invite(role: .member, lifetime: .seconds(60)) }
    await #expect(throws: AgentError(.notAllowed, "")) { try await laptop.revoke(laptop.identity.device) }
  }

  /// Nobody there is an admin who could let the restored device in again: the key does.
  @Test(arguments: [BackupContents.everything, .identity])
  func aRestoredDeviceIsLetInAgainByTheKey(contents: BackupContents) async throws {
    let passphrase = SecretBytes(copying: Array("correct horse".utf8))
    let key = SharedKey.random()
    let laptop = try await home("laptop").join(key, name: "laptop")
    try await laptop.database(named: "notes").put("today", set: ["text": .text("dry")])
    _ = try await laptop.home.backup(contents, to: temporary / "backup", passphrase: passphrase)
    let place = Home(directory: temporary / "restored", cost: .least)
    let restored = try await place.restore(from: temporary / "backup", passphrase: { passphrase }).home
    #expect(restored.role == nil && restored.identity.isRestored)

    await #expect(throws: AgentError(.alreadyInitialized, "")) { try await place.join(.random(), name: "x") }
    let back = try await place.join(key, name: "kitchen")
    #expect(back.role == .member && back.identity.device == restored.identity.device)
    #expect(!back.identity.isRestored && back.identity.name == "kitchen")
    await #expect(throws: AgentError(.alreadyInitialized, "")) { try await place.join(key, name: "twice") }
    let open = try await place.open()
    try await open.database(named: "notes").put("later", set: ["text": .text("wet")])
    try await exchange(laptop, open)
    for home in [laptop, open] {
      #expect(try await home.home.open().database(named: "notes").documentNames().count == 2)
      #expect(try await home.store.chainAudit().forks.isEmpty)
      #expect(try await home.store.verify().isEmpty)
    }
    #expect(Set(try await laptop.home.open().members.map { $0.name ?? "" }) == ["laptop", "kitchen", "shared key"])
  }

  /// The store has the warrant and the identity does not say so yet.
  @Test func joiningAgainWithTheKeyGoesOnAfterACut() async throws {
    let passphrase = SecretBytes(copying: Array("correct horse".utf8))
    let key = SharedKey.random()
    let laptop = try await home("laptop").join(key, name: "laptop")
    _ = try await laptop.home.backup(.everything, to: temporary / "backup", passphrase: passphrase)
    let place = Home(directory: temporary / "restored", cost: .least)
    let restored = try await place.restore(from: temporary / "backup", passphrase: { passphrase }).home
    let entryCount = try await restored.store.head().entryCount
    _ = try await place.join(key, name: "restored")
    try place.write(restored.identity)
    let back = try await place.join(key, name: "restored")
    #expect(back.role == .member && back.identity.device == restored.identity.device)
    #expect(try await back.store.chainAudit().forks.isEmpty)
    #expect(try await back.store.head().entryCount == entryCount + 1)
  }

  @Test func anotherKeyIsAnotherWorkspace() async throws {
    let laptop = try await home("laptop").join(.random(), name: "laptop")
    let other = try await home("other").join(.random(), name: "other")
    #expect(laptop.identity.workspace != other.identity.workspace)
    await #expect(throws: AgentError(.alreadyInitialized, "")) { try await home("other").join(.random(), name: "x") }
  }

  @Test(arguments: [
    "", "0123", String(repeating: "g", count: 64), String(repeating: "01", count: 33),
    String(repeating: "0", count: 64),
  ])
  func otherTextIsRefusedWithoutRepeatingIt(text: String) throws {
    let error = try #require(throws: AgentError.self) { try SharedKey(text: SecretBytes(copying: Array(text.utf8))) }
    #expect(error.code == .invalidInput && (text.isEmpty || !error.message.contains(text)))
  }
}
