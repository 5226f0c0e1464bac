import Foundation
import Synchronization

/// Another program that a test talks with over its standard input and output, line by line.
public final class PeerProcess: Sendable {
  public struct Ended: Error {}

  /// Held from making the pipes to starting the program: another one started meanwhile would inherit them and keep them
  /// open.
  private static let starting = Mutex(())

  // Foundation's Process is not Sendable; everything after `run()` goes through the lock.
  private let process: Mutex<Process>
  private let input: FileHandle
  private let lines: AsyncStream<String>

  public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    let process = Process()
    let (lines, continuation) = AsyncStream.makeStream(of: String.self)
    self.lines = lines
    input = try Self.starting.withLock { _ in
      try Self.start(process, executable, arguments, environment, continuation)
    }
    self.process = Mutex(process)
  }

  /// Returns where to write to the program's input.
  private static func start(
    _ process: Process, _ executable: String, _ arguments: [String], _ environment: [String: String],
    _ continuation: AsyncStream<String>.Continuation
  ) throws -> FileHandle {
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    let input = Pipe()
    process.standardOutput = output
    process.standardInput = input
    try process.run()
    let reading = output.fileHandleForReading
    Thread.detachNewThread { readLines(of: reading, continuation) }
    return input.fileHandleForWriting
  }

  /// Until the end of the file, on a thread of its own.
  private static func readLines(of handle: FileHandle, _ continuation: AsyncStream<String>.Continuation) {
    var partial: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(handle.fileDescriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      partial += buffer[..<count]
      while let newline = partial.firstIndex(of: UInt8(ascii: "\n")) {
        continuation.yield(String(decoding: partial[..<newline], as: UTF8.self))
        partial.removeSubrange(...newline)
      }
    }
    withExtendedLifetime(handle) {}
    continuation.finish()
  }

  deinit { kill() }

  /// The next line that it prints.
  public func nextLine() async throws -> String {
    defer { withExtendedLifetime(self) {} }
    for await line in lines { return line }
    throw Ended()
  }

  /// The lines that it prints until it ends.
  public func allLines() async -> [String] {
    // Its owner's end is the program's end.
    defer { withExtendedLifetime(self) {} }
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
