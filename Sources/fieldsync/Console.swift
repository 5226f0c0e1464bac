import FieldAgent
import Foundation
import Glibc
import Logging

/// Where a command's words go: results to standard output, everything else to standard error.
struct Console {
  /// The number that every JSON object that is printed carries; it changes when a member changes its meaning or goes.
  static let schema = 1

  let json: Bool
  let quiet: Bool

  /// A command's result: as JSON, or as the lines.
  func result(_ members: @autoclosure () -> [(String, JSON)], lines: @autoclosure () -> [String]) throws {
    if json {
      try Self.write(JSON.object([("schema", .count(Self.schema))] + members()).text + "\n", to: .standardOutput)
    } else {
      let text = lines().map { $0 + "\n" }.joined()
      if !text.isEmpty { try Self.write(text, to: .standardOutput) }
    }
  }

  /// Something good to know; not printed with `--quiet` or `--json`.
  func note(_ line: String) {
    if !quiet, !json { Self.tell(line + "\n") }
  }

  static func report(_ error: AgentError, asJSON: Bool) {
    report(
      code: error.code.rawValue, status: error.code.exitStatus, message: error.message, hint: error.hint,
      asJSON: asJSON)
  }

  static func reportUsage(_ message: String) {
    report(
      code: "usage", status: EX_USAGE, message: message, hint: "See the command's '--help' for what it accepts.",
      asJSON: true)
  }

  private static func report(code: String, status: Int32, message: String, hint: String, asJSON: Bool) {
    if asJSON {
      let error = JSON.object([
        ("schema", .count(schema)), ("type", .string("error")), ("code", .string(code)),
        ("exitStatus", .integer(Int64(status))), ("message", .string(message)), ("hint", .string(hint)),
      ])
      tell(error.text + "\n")
    } else {
      tell("fieldsync: \(TerminalText.escape(message))\n\(TerminalText.escape(hint))\n")
    }
  }

  static func tell(_ text: String) {
    // Nobody is left to tell when standard error is gone.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  static func write(_ text: String, to file: FileHandle) throws {
    try write(Data(text.utf8), to: file)
  }

  static func write(_ data: Data, to file: FileHandle) throws {
    do {
      try file.write(contentsOf: data)
    } catch {
      throw AgentError(.cannotWrite, "The output could not be written.")
    }
  }
}

extension Logger {
  /// For a command that ends: what goes wrong is its error, and the rest is not for its user.
  static var ofCommand: Logger {
    Logger(label: "fieldsync", factory: { _ in SwiftLogNoOpLogHandler() })
  }
}
