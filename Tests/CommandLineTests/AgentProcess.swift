import Foundation
import Testing

/// `fieldsync agent` of a tool's home, on the LAN alone, listening on a port that the system chose.
final class AgentProcess {
  let address: String
  private let process: Process
  private let output = Pipe()

  var processID: Int32 { process.processIdentifier }

  /// - Parameter log: A file of the tool's directory for what the agent logs.
  init(_ tool: Tool, _ arguments: String..., logging log: String? = nil) async throws {
    process = try tool.makeProcess(["agent", "--listen", "127.0.0.1:0", "--no-ble"] + arguments)
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    var logFile: FileHandle?
    defer { try? logFile?.close() }
    if let log {
      try tool.write([], to: log)
      logFile = try FileHandle(forWritingTo: URL(filePath: tool.directory + "/" + log))
      process.standardError = logFile
    }
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var line: [UInt8] = []
    while line.last != UInt8(ascii: "\n") {
      let byte = try #require(try output.fileHandleForReading.read(upToCount: 1), "the agent ended")
      line += byte
    }
    let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    address = String(try #require(words.first { $0.hasPrefix("tcp://") }))
  }

  deinit { stop() }

  func stop() {
    defer { try? output.fileHandleForReading.close() }
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }
}
