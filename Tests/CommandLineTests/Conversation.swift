import Foundation
import Testing

/// A command that asks on standard error, and is answered.
final class Conversation {
  private let process: Process
  private let input = Pipe()
  private let errors = Pipe()
  private var heard = ""

  init(_ tool: Tool, _ arguments: String...) throws {
    process = try tool.makeProcess(arguments)
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
  }

  deinit { if process.isRunning { process.terminate() } }

  /// The rest of the line that begins with `prefix`, or has it in it; `nil` when the command ends before.
  func line(after prefix: String) throws -> String? {
    while true {
      let lines = heard.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      if let index = lines.firstIndex(where: { $0.contains(prefix) }), let range = lines[index].range(of: prefix) {
        let line = String(lines[index][range.upperBound...])
        heard = lines[(index + 1)...].joined(separator: "\n")
        return line
      }
      guard let byte = try errors.fileHandleForReading.read(upToCount: 1), !byte.isEmpty else { return nil }
      heard += String(decoding: byte, as: UTF8.self)
    }
  }

  func type(_ text: String) {
    // A command that has ended already hears nothing.
    try? input.fileHandleForWriting.write(contentsOf: Data((text + "\n").utf8))
  }

  /// The exit status, once it has ended.
  func end() -> Int32 {
    try? input.fileHandleForWriting.close()
    _ = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
