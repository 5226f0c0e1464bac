import Foundation

/// A side of a handshake that `Python/noise_peer.py` plays with the PyPI package `noiseprotocol`, over pipes.
final class PythonPeer {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private struct Answer: Decodable {
    let bytes: HexBytes?
    let error: String?
    let missing: String?
  }

  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private var buffered = Data()

  /// Starts the interpreter that `FIELD_PYTHON` names, or `python3`.
  init() throws {
    guard let script = Bundle.module.url(forResource: "noise_peer", withExtension: "py", subdirectory: "Python") else {
      throw Failure(description: "noise_peer.py is not among the test's resources")
    }
    let python = ProcessInfo.processInfo.environment["FIELD_PYTHON"] ?? "python3"
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python, script.path]
    process.standardInput = requests
    process.standardOutput = answers
    try process.run()
    do {
      _ = try answer()
    } catch {
      throw Failure(
        description:
          "\(python) has no package noiseprotocol (\(error)): run Scripts/test, which installs it and sets FIELD_PYTHON"
      )
    }
  }

  deinit {
    try? requests.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  func start(
    _ name: String, asInitiator: Bool, prologue: [UInt8], keys: [String: String], presharedKeys: [[UInt8]]
  )
    throws
  {
    var request: [String: Any] = keys
    request["operation"] = "start"
    request["name"] = name
    request["role"] = asInitiator ? "initiator" : "responder"
    request["prologue"] = hex(prologue)
    request["presharedKeys"] = presharedKeys.map { hex($0) }
    _ = try ask(request)
  }

  /// `write` or `read` in the handshake, `encrypt`, `decrypt`, `rekey` or `hash` after it.
  func perform(_ operation: String, _ bytes: [UInt8] = []) throws -> [UInt8] {
    try ask(["operation": operation, "bytes": hex(bytes)])
  }

  private func ask(_ request: [String: Any]) throws -> [UInt8] {
    let line = try JSONSerialization.data(withJSONObject: request) + [UInt8(ascii: "\n")]
    try requests.fileHandleForWriting.write(contentsOf: line)
    return try answer()
  }

  private func answer() throws -> [UInt8] {
    while true {
      if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
        let answer = try JSONDecoder().decode(Answer.self, from: buffered[..<end])
        buffered = Data(buffered[buffered.index(after: end)...])
        guard let bytes = answer.bytes?.bytes else {
          throw Failure(description: answer.error ?? answer.missing ?? "an empty answer")
        }
        return bytes
      }
      let more = answers.fileHandleForReading.availableData
      guard !more.isEmpty else { throw Failure(description: "the peer has ended") }
      buffered += more
    }
  }
}
