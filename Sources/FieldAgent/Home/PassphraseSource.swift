public import Sodium

/// Where a home's passphrase comes from: a person, a file, or the system's credential store. It is asked only for a
/// home whose keys are under one.
public struct PassphraseSource: Sendable {
  /// The name of the credential (systemd's `LoadCredential=`, `LoadCredentialEncrypted=`) that an agent's unit passes.
  public static let credentialName = "fieldsync.passphrase"
  public static let byteRange = 8...1024

  private let ask: @Sendable () throws -> SecretBytes?

  /// - Parameter ask: Returns `nil` where nobody can be asked. It may be called more than once.
  public init(_ ask: @escaping @Sendable () throws -> SecretBytes?) {
    self.ask = ask
  }

  /// Nobody can be asked.
  public static let none = PassphraseSource { nil }

  /// - Throws: ``AgentError`` with `locked`, or what asking throws.
  func passphrase() throws -> SecretBytes {
    guard let passphrase = try ask() else {
      throw AgentError(.locked, "The keys are under a passphrase, and nobody is there to give it.")
    }
    return passphrase
  }

  /// Holds a new passphrase to the rules.
  ///
  /// - Throws: ``AgentError`` with `invalidInput`.
  public static func check(_ passphrase: SecretBytes) throws(AgentError) {
    guard byteRange.contains(passphrase.byteCount) else {
      throw AgentError(
        .invalidInput, "A passphrase has \(byteRange.lowerBound) to \(byteRange.upperBound) bytes.",
        hint: "Choose another one: some words of your own are easy to keep and hard to guess.")
    }
  }
}
