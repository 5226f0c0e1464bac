import ArgumentParser
import FieldAgent
import Foundation

/// A command that works on a home.
protocol HomeCommand: AsyncParsableCommand {
  var global: GlobalOptions { get }

  /// Whether '--home' may be given several times.
  static var takesSeveralHomes: Bool { get }
}

extension HomeCommand {
  static var takesSeveralHomes: Bool { false }

  var home: Home { global.homes[0] }
  var console: Console { Console(json: global.json, quiet: global.quiet) }
}

struct GlobalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The device's home directory (default: $FIELDSYNC_HOME, or fieldsync in the user's data directory).",
      valueName: "dir"))
  var home: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file whose first line is the passphrase of this device's keys, if they have one.", valueName: "file"))
  var passphraseFile: String?

  @Flag(help: "Print results, errors and progress as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print results and errors only.")
  var quiet = false

  /// At least one.
  var homes: [Home] {
    let given = home.isEmpty ? [Home.defaultDirectory(environment: ProcessInfo.processInfo.environment)] : home
    return given.map { directory in
      Home(
        directory: directory.hasPrefix("/")
          ? directory : FileManager.default.currentDirectoryPath + "/" + directory,
        passphrase: Passphrases.source(file: passphraseFile))
    }
  }

  /// Options that stand before the command's name are moved behind it: both places are right.
  static func behindCommand(_ arguments: [String]) -> [String] {
    var rest = arguments[...]
    var moved: [String] = []
    while let first = rest.first {
      if ["--home", "--passphrase-file"].contains(first), rest.count > 1 {
        moved += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else if first.hasPrefix("--home=") || first.hasPrefix("--passphrase-file=")
        || ["--json", "--quiet", "-q"].contains(first)
      {
        moved.append(first)
        rest = rest.dropFirst()
      } else {
        break
      }
    }
    guard let command = rest.first, !command.hasPrefix("-") else { return arguments }
    return [command] + moved + rest.dropFirst()
  }

  func validate() throws {
    if home.contains("") { throw ValidationError("The home directory's name is empty.") }
  }
}
