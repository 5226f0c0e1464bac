import FieldAgent
import FieldCore
import FieldDocuments
import FieldStore
import FieldWire
import Foundation
import Logging
import Sodium
import Testing

/// `peer.py`, which knows `Docs/PROTOCOL.md` and none of this package's code, syncs with an agent over TCP.
@Suite struct IndependentPeerTests {
  private struct Report: Decodable {
    var peer: String
    var handshake: [Int]
    var version: Int
    var entries: Int
    var fetchedAll: Bool
    var rootIsEqual: Bool
    var documents: [String: [String: String]]
    var outcomes: [String]
  }

  @Test func fetchesVerifiesReadsAndWrites() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "fieldsync-peer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let home = try await Home(directory: directory.appending(path: "home").path).create(name: "laptop")
    let notes = try home.database(named: "notes")
    try await notes.put("today", set: ["text": .text("Well 7 is dry")])
    let pixels = counting(from: 0, 100_000)
    try await notes.put("photo", set: ["title": .text("Well 7"), "pixels": .bytes(pixels)])
    let peer = SigningKeyPair()
    _ = try await home.admit(try required(DeviceKey(peer.publicKey)), named: "peer", as: .member)

    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let service = try await AgentService(
      homes: [home], listen: "127.0.0.1:0", bluetooth: nil, fixed: [], logger: logger)
    let running = Task { try await service.run() }
    let port = try required(service.readiness.split(separator: ":").last.flatMap { Int($0) })
    let report: Report
    do {
      report = try await run(settings(of: home, peer, port: port))
    } catch {
      running.cancel()
      throw error
    }
    #expect(report.peer == home.identity.device.description)
    #expect(report.handshake == [48, 192, 160] && report.version == 1)
    #expect(report.fetchedAll && report.rootIsEqual)
    #expect(report.entries == Int(try await home.store.head().entryCount) - 1, "its own came later")
    #expect(report.documents["today"] == ["text": "Well 7 is dry"])
    #expect(report.documents["photo"] == ["title": "Well 7", "pixels": Hexadecimal.encode(SHA256.hash(pixels))])
    #expect(report.outcomes == ["0100"], "one entry, stored")
    let written = try #require(try await notes.get("from elsewhere"))
    #expect(written.fields == ["text": .text("Bonjour")])
    running.cancel()
    _ = await running.result
  }

  private func settings(of home: OpenHome, _ peer: SigningKeyPair, port: Int) throws -> Data {
    func hex(_ secret: SecretBytes?) throws -> String {
      Hexadecimal.encode(try required(secret).withUnsafeBytes { Array($0) })
    }
    return try JSONSerialization.data(withJSONObject: [
      "host": "127.0.0.1", "port": port, "workspace": home.identity.workspace.description,
      "presence": try hex(home.keys.presence), "naming": try hex(home.keys.naming),
      "content": try hex(home.keys.writing?.key), "seed": try hex(peer.seed), "database": "notes",
      "document": "from elsewhere", "text": "Bonjour",
    ])
  }

  /// Runs the peer with the interpreter that `FIELD_PYTHON` names, or `python3`.
  private func run(_ settings: Data) async throws -> Report {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "peer.py").path
    process.arguments = [ProcessInfo.processInfo.environment["FIELD_PYTHON"] ?? "python3", script]
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    // Not `waitUntilExit`: the agent needs the thread.
    let ended = AsyncStream<Void> { continuation in
      process.terminationHandler = { _ in continuation.finish() }
    }
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: settings)
    try input.fileHandleForWriting.close()
    for await _ in ended {}
    let trouble = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    try #require(
      process.terminationStatus == 0,
      "\(trouble)\nScripts/test installs what peer.py needs, and sets FIELD_PYTHON")
    return try JSONDecoder().decode(Report.self, from: output.fileHandleForReading.readDataToEndOfFile())
  }
}
