import Foundation
import Glibc
import Synchronization

/// A child process that writes to a store and says what was acknowledged.
final class StoreWriterProcess: Sendable {
  private let process: Mutex<Process>
  private let output: Pipe
  let pid: Int32

  /// - Parameter arguments: Those of `store-writer`, which the build puts beside the tests.
  init(_ arguments: [String]) throws {
    let process = Process()
    let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    process.executableURL = tests.deletingLastPathComponent().appending(path: "store-writer")
    process.arguments = arguments
    output = Pipe()
    process.standardOutput = output
    try process.run()
    pid = process.processIdentifier
    self.process = Mutex(process)
  }

  /// The batches that were acknowledged, as they come; ends with the process.
  var acknowledged: AsyncStream<UInt64> {
    AsyncStream { continuation in
      let handle = output.fileHandleForReading
      Thread.detachNewThread {
        var text: [UInt8] = []
        while true {
          let data = handle.availableData
          guard !data.isEmpty else { break }
          text += data
          while let end = text.firstIndex(of: UInt8(ascii: "\n")) {
            if let batch = UInt64(String(decoding: text[..<end], as: UTF8.self)) { continuation.yield(batch) }
            text.removeSubrange(...end)
          }
        }
        continuation.finish()
      }
    }
  }

  func kill() {
    _ = Glibc.kill(pid, SIGKILL)
  }

  /// - Returns: The exit status; the signal's number, negative, for a process that was killed.
  func wait() -> Int32 {
    process.withLock { process in
      process.waitUntilExit()
      return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
  }
}
