import FieldAgent
import Foundation
import Glibc
import Sodium
import Synchronization

/// Where the command line finds passphrases: a file that was named, the system's credentials, or the terminal. Never an
/// argument or the environment, which other processes may see.
enum Passphrases {
  private static let known = Mutex<SecretBytes?>(nil)

  /// For a home's keys. A passphrase is asked for once in a process.
  static func source(file: String?) -> PassphraseSource {
    PassphraseSource {
      if let passphrase = known.withLock({ $0 }) { return passphrase }
      let passphrase = try file.map(read) ?? credential() ?? SecretPrompt.ask("Passphrase: ")
      known.withLock { $0 = passphrase }
      return passphrase
    }
  }

  /// For a backup.
  ///
  /// - Throws: ``AgentError`` with `locked` where nobody can be asked.
  static func ask(_ prompt: String, file: String?) throws -> SecretBytes {
    if let file { return try read(file) }
    guard let passphrase = try SecretPrompt.ask(prompt) else { throw nobody }
    return passphrase
  }

  /// A new one, typed twice unless it comes from a file.
  ///
  /// - Throws: ``AgentError`` with `locked` where nobody can be asked, `invalidInput`.
  static func askForNew(_ prompt: String, file: String?) throws -> SecretBytes {
    if let file {
      let passphrase = try read(file)
      try PassphraseSource.check(passphrase)
      return passphrase
    }
    guard let passphrase = try SecretPrompt.ask(prompt) else { throw nobody }
    try PassphraseSource.check(passphrase)
    guard try SecretPrompt.ask("Again: ") == passphrase else {
      throw AgentError(.invalidInput, "The two are not the same.", hint: "Run the command again.")
    }
    return passphrase
  }

  private static var nobody: AgentError {
    AgentError(.locked, "A passphrase is needed, and there is no terminal to ask at.")
  }

  private static func credential() throws -> SecretBytes? {
    guard let directory = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"], directory.hasPrefix("/") else {
      return nil
    }
    let path = directory + "/" + PassphraseSource.credentialName
    return access(path, F_OK) == 0 ? try read(path) : nil
  }

  /// The first line of a file, `/dev/fd/N` for a descriptor that is open.
  static func read(_ path: String) throws -> SecretBytes {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw AgentError(readingFails: path, errno) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw AgentError(readingFails: path, errno) }
    guard status.st_mode & S_IFMT != S_IFREG || status.st_mode & 0o007 == 0 else {
      throw AgentError(.permission, "Everybody may read '\(path)'.", hint: "Close it first: chmod 600 '\(path)'.")
    }
    var line = [UInt8](repeating: 0, count: PassphraseSource.byteRange.upperBound + 1)
    defer { line.wipe() }
    var count = 0
    while count < line.count, !line[..<count].contains(UInt8(ascii: "\n")) {
      let received = line.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count)
      }
      if received < 0, errno == EINTR { continue }
      guard received >= 0 else { throw AgentError(readingFails: path, errno) }
      if received == 0 { break }
      count += received
    }
    var first = Array(line[..<count].prefix { $0 != UInt8(ascii: "\n") })
    defer { first.wipe() }
    guard !first.isEmpty, first.count < line.count else {
      throw AgentError(.invalidInput, "'\(path)' has no passphrase in its first line.")
    }
    return SecretBytes(copying: first)
  }
}
