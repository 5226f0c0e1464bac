public import Foundation
import Synchronization

/// Another program that a test talks with over its standard input and output, line by line.
public final class PeerProcess: Sendable {
  public struct Ended: Error {}

  // Foundation's Process is not Sendable; everything after `run()` goes through the lock.
  private let process: Mutex<Process>
  private let input: FileHandle
  private let lines: AsyncStream<String>
  private let reader: Mutex<LineReader>

  private struct LineReader {
    var partial: [UInt8] = []
  }

  public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    let input = Pipe()
    process.standardOutput = output
    process.standardInput = input
    let (lines, continuation) = AsyncStream.makeStream(of: String.self)
    let partial = Mutex([UInt8]())
    self.lines = lines
    self.input = input.fileHandleForWriting
    reader = Mutex(LineReader())
    output.fileHandleForReading.readabilityHandler = { handle in
      let data = handle.availableData
      if data.isEmpty {
        handle.readabilityHandler = nil
        return continuation.finish()
      }
      partial.withLock { partial in
        partial += data
        while let newline = partial.firstIndex(of: UInt8(ascii: "\n")) {
          continuation.yield(String(decoding: partial[..<newline], as: UTF8.self))
          partial.removeSubrange(...newline)
        }
      }
    }
    try process.run()
    self.process = Mutex(process)
  }

  deinit { kill() }

  /// The next line that it prints.
  public func nextLine() async throws -> String {
    for await line in lines { return line }
    throw Ended()
  }

  /// The lines that it prints until it ends.
  public func allLines() async -> [String] {
    var all: [String] = []
    for await line in lines { all.append(line) }
    return all
  }

  /// Gives it a line to read.
  public func send(_ line: String) throws {
    try input.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Ends it at once.
  public func kill() {
    process.withLock { process in
      if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
    }
  }
}
