import FieldCore
import FieldDocuments
import FieldStore
import FieldWire
import Foundation
import Sodium
import Testing

@testable import FieldAgent

struct HomeTests {
  private let temporary: TemporaryDirectory
  private let home: Home

  init() throws {
    temporary = try TemporaryDirectory()
    home = Home(directory: temporary / "home")
  }

  @Test func filesAreForTheirUserAlone() async throws {
    _ = try await home.create(name: "laptop").invite(role: .member, lifetime: .seconds(60))
    _ = try home.lockForAgent()
    #expect(try permissions(of: home.directory) == 0o700)
    let files = try FileManager.default.contentsOfDirectory(atPath: home.directory)
    #expect(Set(files).isSuperset(of: ["identity", "store.sqlite", "invitations", "agent.lock"]))
    for file in files { #expect(try permissions(of: home.directory + "/" + file) == 0o600, "\(file)") }
  }

  @Test func opensWhatItFounded() async throws {
    let created = try await home.create(name: "laptop")
    try await created.database(named: "notes").put("today", set: ["text": .text("dry")])
    let opened = try await home.open()
    #expect(opened.identity.device == created.identity.device)
    #expect(opened.role == .admin)
    #expect(opened.members == [Member(device: created.identity.device, role: .admin, petname: nil, name: "laptop")])
    #expect(try await opened.database(named: "notes").get("today")?.fields == ["text": .text("dry")])
    #expect(try await opened.databaseSummaries().map(\.name) == ["notes"])
  }

  @Test func nothingIsFoundedTwice() async throws {
    _ = try await home.create(name: "laptop")
    await #expect(throws: AgentError(.alreadyInitialized, "")) { try await home.create(name: "again") }
  }

  @Test func anEmptyPlaceIsNoHome() async {
    await #expect(throws: AgentError(.notInitialized, "")) { try await home.open() }
  }

  @Test func aDirectoryThatOthersMayEnterIsRefusedUnlessEmpty() async throws {
    try FileManager.default.createDirectory(atPath: home.directory, withIntermediateDirectories: true)
    chmod(home.directory, 0o755)
    try Data().write(to: URL(filePath: home.directory + "/other"))
    await #expect(throws: AgentError(.permission, "")) { try await home.create(name: "laptop") }
    try FileManager.default.removeItem(atPath: home.directory + "/other")
    _ = try await home.create(name: "laptop")
    #expect(try permissions(of: home.directory) == 0o700)
  }

  @Test func anIdentityThatOthersMayReadIsRefused() async throws {
    _ = try await home.create(name: "laptop")
    chmod(home.directory + "/identity", 0o640)
    await #expect(throws: AgentError(.permission, "")) { try await home.open() }
  }

  @Test func everyChangedByteOfTheIdentityIsFound() async throws {
    _ = try await home.create(name: "laptop")
    let path = home.directory + "/identity"
    let bytes = try Data(contentsOf: URL(filePath: path))
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      #expect(throws: AgentError(.damaged, ""), "byte \(index)") { try Identity(decoding: Array(changed)) }
      #expect(throws: AgentError(.damaged, "")) { try Identity(decoding: Array(bytes[..<index])) }
    }
  }

  @Test(arguments: ["", "two\nlines", "esc\u{1B}[31m", "over\u{202E}ride", String(repeating: "n", count: 257)])
  func namesAreOneLineOfText(name: String) async {
    await #expect(throws: AgentError(.invalidInput, "")) { try await home.create(name: name) }
    #expect(!FileManager.default.fileExists(atPath: home.directory + "/identity"))
  }

  @Test func theAgentsLockShowsAndHoldsOnce() async throws {
    _ = try await home.create(name: "laptop")
    #expect(!home.isAgentRunning)
    var lock: HomeLock? = try home.lockForAgent()
    #expect(home.isAgentRunning)
    #expect(throws: AgentError(.busy, "")) { try home.lockForAgent() }
    withExtendedLifetime(lock) {}
    lock = nil
    #expect(!home.isAgentRunning)
  }

  @Test func aDeviceJoinsReadsAndAsksAgainAfterACut() async throws {
    let admin = try await home.create(name: "laptop")
    try await admin.database(named: "notes").put("today", set: ["text": .text("dry")])
    let other = Home(directory: temporary / "other")
    let invitation = try admin.invite(role: .member, lifetime: .seconds(60))
    let joining = try other.beginJoining(invitation, name: "tablet")
    #expect(joining.isJoining)
    await #expect(throws: AgentError(.notAllowed, "")) { try await other.open() }
    #expect(try other.beginJoining(invitation, name: "tablet").device == joining.device)

    let first = try await admin.admit(joining.device, named: "tablet", as: .member)
    #expect(try await admin.admit(joining.device, named: "tablet", as: .member) == first)
    let joined = try await other.finishJoining(first)
    #expect(joined.role == .member)
    #expect(joined.keys.presence == admin.keys.presence)
    #expect(joined.members.first { $0.device == joining.device }?.name == "tablet")
    #expect(throws: AgentError(.notAllowed, "")) { try joined.invite(role: .member, lifetime: .seconds(60)) }
    #expect(throws: AgentError(.alreadyInitialized, "")) { try other.beginJoining(invitation, name: "tablet") }

    let page = try await admin.store.scan(since: nil, limit: 100, filter: EntryFilter())
    _ = try await joined.store.put(try await admin.store.entries(page.listings.map(\.id)))
    #expect(try await joined.database(named: "notes").get("today")?.fields == ["text": .text("dry")])
  }

  @Test func aNameThatIsGivenWhileJoiningReplacesTheOneBefore() async throws {
    let invitation = try await home.create(name: "laptop").invite(role: .member, lifetime: .seconds(60))
    let other = Home(directory: temporary / "other")
    let first = try other.beginJoining(invitation, name: "tablet")
    #expect(throws: AgentError(.invalidInput, "")) {
      try other.beginJoining(invitation, name: String(repeating: "n", count: Identity.nameByteLimit + 1))
    }
    #expect(try other.readIdentity().name == "tablet")
    let again = try other.beginJoining(invitation, name: "kitchen")
    #expect(again.device == first.device && again.name == "kitchen")
    #expect(try other.readIdentity().name == "kitchen")

    let spoken = Home(directory: temporary / "spoken")
    let asking = try spoken.beginJoiningByCode(name: "tablet")
    #expect(try spoken.beginJoiningByCode(name: "kitchen").device == asking.device)
    #expect(try spoken.readIdentity().name == "kitchen")
  }

  @Test func aNameThatIsTooLongIsNotCutInAGrant() async throws {
    let admin = try await home.create(name: "laptop")
    let name = String(repeating: "n", count: Identity.nameByteLimit + 1)
    let device = try #require(DeviceKey(SigningKeyPair().publicKey))
    await #expect(throws: AgentError(.invalidInput, "")) {
      try await admin.admit(device, named: name, as: .member)
    }
  }

  @Test func aRelayGetsNoContentKeys() async throws {
    let admin = try await home.create(name: "laptop")
    let other = Home(directory: temporary / "relay")
    let relay = try other.beginJoining(try admin.invite(role: .relay, lifetime: .seconds(60)), name: "shelf")
    let joined = try await other.finishJoining(try await admin.admit(relay.device, named: "shelf", as: .relay))
    #expect(joined.role == .relay)
    #expect(joined.keys.keyring.isEmpty)
    #expect(throws: DocumentError(.noContentKeys, "")) { try joined.database(named: "notes") }
    #expect(joined.members.allSatisfy { $0.name == nil })
  }

  @Test func entriesThatDoNotGrantAnythingDoNotFinishJoining() async throws {
    let admin = try await home.create(name: "laptop")
    let other = Home(directory: temporary / "other")
    _ = try other.beginJoining(try admin.invite(role: .member, lifetime: .seconds(60)), name: "tablet")
    let stranger = try await admin.admit(
      try #require(DeviceKey(SigningKeyPair().publicKey)), named: "stranger", as: .relay)
    await #expect(throws: AgentError(.protocolViolation, "")) { try await other.finishJoining(stranger) }
    #expect(try other.readIdentity().isJoining)
  }

  @Test func defaultDirectoryFollowsTheEnvironment() {
    #expect(Home.defaultDirectory(environment: ["FIELDSYNC_HOME": "/f", "XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/f")
    #expect(Home.defaultDirectory(environment: ["XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/x/fieldsync")
    #expect(
      Home.defaultDirectory(environment: ["XDG_DATA_HOME": "relative", "HOME": "/h"]) == "/h/.local/share/fieldsync")
  }

  @Test(arguments: AgentError.Code.allCases)
  func everyErrorHasANextStepAndAStatus(code: AgentError.Code) {
    #expect(AgentError(code, "").hint.hasSuffix("."))
    #expect([1, 2, 3, 4, 5, 65, 66, 69, 73, 74, 75, 76, 77, 78].contains(code.exitStatus))
  }
}
