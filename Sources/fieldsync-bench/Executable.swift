import ArgumentParser
import Foundation

/// The `fieldsync` executable that was built beside this one.
struct Executable {
  struct Finished {
    var output: String
    var peakMemoryByteCount: Int
  }

  private static var url: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("fieldsync")
  }

  private let process = Process()
  private let output = Pipe()

  /// Runs a command to its end; one that fails is an error.
  ///
  /// - Parameter input: What it reads from standard input: a line or so, which a pipe takes at once.
  static func run(_ arguments: [String], input: String = "") throws -> Finished {
    let running = try start(arguments, input: input)
    var output = Data()
    var peak = 0
    // The kernel forgets a process's peak with the process, so it is read while output still comes.
    while true {
      let piece = running.output.fileHandleForReading.availableData
      guard !piece.isEmpty else { break }
      peak = max(peak, running.peakMemoryByteCount)
      output += piece
    }
    running.process.waitUntilExit()
    guard running.process.terminationStatus == 0 else {
      throw ValidationError(
        "fieldsync \(arguments.dropFirst(2).first ?? "") exited with \(running.process.terminationStatus)")
    }
    return Finished(output: String(decoding: output, as: UTF8.self), peakMemoryByteCount: peak)
  }

  static func start(_ arguments: [String], input: String = "") throws -> Executable {
    let executable = Executable()
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try pipe.fileHandleForWriting.close()
    executable.process.standardInput = pipe
    executable.process.executableURL = url
    executable.process.arguments = arguments
    executable.process.standardOutput = executable.output
    try executable.process.run()
    return executable
  }

  func readLine() throws -> String {
    var line = Data()
    while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data([10]) { line += byte }
    return String(decoding: line, as: UTF8.self)
  }

  /// The largest resident set so far.
  var peakMemoryByteCount: Int {
    let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}
