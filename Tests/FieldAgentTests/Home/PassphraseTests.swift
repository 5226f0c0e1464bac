import FieldCore
import Foundation
import Sodium
import Testing

@testable import FieldAgent

/// Keys under a passphrase.
struct PassphraseTests {
  private let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private func secret(_ text: String) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }

  private func home(_ passphrase: String?) -> Home {
    let secret = passphrase.map(secret)
    return Home(directory: temporary / "home", passphrase: PassphraseSource { secret }, cost: .least)
  }

  private var identityPath: String { temporary / "home" + "/identity" }

  @Test func keysUnderAPassphraseNeedIt() async throws {
    let device = try await home(nil).create(name: "laptop").identity.device
    #expect(try !home(nil).isLocked())
    try home(nil).setPassphrase(secret("correct horse"))
    #expect(try home(nil).isLocked())
    #expect(try permissions(of: identityPath) == 0o600)
    await #expect(throws: AgentError(.locked, "")) { try await home(nil).open() }
    await #expect(throws: AgentError(.wrongPassphrase, "")) { try await home("wrong horse").open() }
    #expect(try await home("correct horse").open().identity.device == device)

    #expect(throws: AgentError(.wrongPassphrase, "")) {
      try home("wrong horse").setPassphrase(secret("battery staple"))
    }
    try home("correct horse").setPassphrase(secret("battery staple"))
    #expect(throws: AgentError(.wrongPassphrase, "")) { try home("correct horse").readIdentity() }
    #expect(throws: AgentError(.wrongPassphrase, "")) { try home("correct horse").setPassphrase(nil) }
    try home("battery staple").setPassphrase(nil)
    #expect(try home(nil).readIdentity().device == device)
  }

  @Test func theSecretIsNotInTheFile() async throws {
    let seed = try await home(nil).create(name: "laptop").identity.keyPair.seed.withUnsafeBytes { Data($0) }
    #expect(try Data(contentsOf: URL(filePath: identityPath)).range(of: seed) != nil)
    try home(nil).setPassphrase(secret("correct horse"))
    #expect(try Data(contentsOf: URL(filePath: identityPath)).range(of: seed) == nil)
  }

  @Test(arguments: ["", "seven  ", String(repeating: "x", count: 1025)])
  func passphrasesHaveALength(text: String) async throws {
    _ = try await home(nil).create(name: "laptop")
    #expect(throws: AgentError(.invalidInput, "")) { try home(nil).setPassphrase(secret(text)) }
    #expect(try !home(nil).isLocked())
  }

  @Test func everyChangedByteIsRefused() async throws {
    _ = try await home(nil).create(name: "laptop")
    try home(nil).setPassphrase(secret("correct horse"))
    let bytes = try Data(contentsOf: URL(filePath: identityPath))
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      try changed.write(to: URL(filePath: identityPath))
      chmod(identityPath, 0o600)
      let error = #expect(throws: AgentError.self, "byte \(index)") { try home("correct horse").readIdentity() }
      #expect([.damaged, .wrongPassphrase, .configuration].contains(error?.code))
    }
  }

  @Test func aCostOverTheLimitIsRefusedBeforeItIsPaid() async throws {
    _ = try await home(nil).create(name: "laptop")
    try home(nil).setPassphrase(secret("correct horse"))
    var bytes = try Data(contentsOf: URL(filePath: identityPath))
    for index in 1..<9 { bytes[index] = 0xff }
    try bytes.write(to: URL(filePath: identityPath))
    chmod(identityPath, 0o600)
    #expect(throws: AgentError(.damaged, "")) { try home("correct horse").readIdentity() }
  }

  @Test func whoJoinsStaysLocked() async throws {
    let admin = try await Home(directory: temporary / "admin").create(name: "laptop")
    let joining = try home(nil).beginJoining(
      try admin.invite(role: .member, lifetime: .seconds(60)), name: "tablet")
    try home(nil).setPassphrase(secret("correct horse"))
    let entries = try await admin.admit(joining.device, named: "tablet", as: .member)
    _ = try await home("correct horse").finishJoining(entries)
    #expect(try home(nil).isLocked())
    #expect(try await home("correct horse").open().role == .member)
  }
}
