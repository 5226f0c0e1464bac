import Foundation
import Testing

/// The built command, run as people run it, in a directory of its own with one home in it.
final class Tool: Sendable {
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output)\(errors)")
    }

    /// The last line of standard error, which is the error's.
    func errorJSON() throws -> [String: Any] {
      let line = try #require(errors.split(separator: "\n").last)
      return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(errors)")
    }
  }

  let directory = NSTemporaryDirectory() + "fieldsync-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
  var home: String { directory + "/home" }

  /// Beside the tests' own executable, where the build puts it.
  private static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "fieldsync")

  init() throws {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// With a home that is a workspace's first.
  static func founded() async throws -> Tool {
    let tool = try Tool()
    let outcome = try await tool.run("init", "--name", "laptop")
    try #require(outcome.status == 0, "\(outcome.errors)")
    return tool
  }

  @discardableResult
  func run(_ arguments: String..., input: String = "", through wrapper: [String] = []) async throws -> Outcome {
    try await run(arguments, input: input, through: wrapper)
  }

  /// - Parameter wrapper: A command and its arguments that run the tool; it comes after them.
  func run(_ arguments: [String], input text: String = "", through wrapper: [String] = []) async throws -> Outcome {
    let process = try makeProcess(arguments, through: wrapper)
    let name = UUID().uuidString
    let (outputPath, errorsPath, inputPath) = (
      directory + "/\(name).out", directory + "/\(name).err", directory + "/\(name).in"
    )
    try Data(text.utf8).write(to: URL(filePath: inputPath))
    for path in [outputPath, errorsPath] { try Data().write(to: URL(filePath: path)) }
    let input = try FileHandle(forReadingFrom: URL(filePath: inputPath))
    let output = try FileHandle(forWritingTo: URL(filePath: outputPath))
    let errors = try FileHandle(forWritingTo: URL(filePath: errorsPath))
    // A process outlives its use, and so would they. Among some 1,400 open descriptors Foundation's search for the
    // highest reads beyond what it read of /proc/self/fd.
    defer { for file in [input, output, errors] { try? file.close() } }
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in continuation.resume() }
      do {
        try process.run()
      } catch {
        process.terminationHandler = nil
        continuation.resume(throwing: error)
      }
    }
    defer { for path in [outputPath, errorsPath, inputPath] { try? FileManager.default.removeItem(atPath: path) } }
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOfFile: outputPath, encoding: .utf8),
      errors: try String(contentsOfFile: errorsPath, encoding: .utf8))
  }

  func makeProcess(_ arguments: [String], through wrapper: [String] = []) throws -> Process {
    let process = Process()
    let command = wrapper + [Self.executable.path] + arguments
    process.executableURL = URL(filePath: wrapper.isEmpty ? command[0] : "/usr/bin/env")
    process.arguments = wrapper.isEmpty ? arguments : command
    process.currentDirectoryURL = URL(filePath: directory)
    process.environment = ["HOME": directory, "FIELDSYNC_HOME": home, "PATH": "/usr/bin:/bin"]
    return process
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    let path = directory + "/" + name
    try FileManager.default.createDirectory(
      atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
  }

  func bytes(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: directory + "/" + name)))
  }

  /// Every regular file under a directory, by its path.
  func files(under name: String) throws -> [String: [UInt8]] {
    let root = directory + "/" + name
    var files: [String: [UInt8]] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
      var isDirectory: ObjCBool = false
      if FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isDirectory), !isDirectory.boolValue {
        files[path] = try bytes(of: name + "/" + path)
      }
    }
    return files
  }
}
