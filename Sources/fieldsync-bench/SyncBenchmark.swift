import ArgumentParser
import FieldAgent
import FieldCore
import FieldStore
import FieldWire
import Foundation

/// Two homes, the real executable, real TCP on loopback: an agent with all the entries, and a sync that fetches them.
/// Signing is done before the clock starts; verifying and storing are inside.
struct SyncBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Entries a second from one home to another over TCP on loopback, and the memory of both processes.",
    discussion: """
      Runs the 'fieldsync' beside it: swift build -c release --product fieldsync

      Example:
        fieldsync-bench sync --entries 100000 --json
      """)

  @Option(help: "How many entries.") var entries = 100_000

  @Option(help: "The size of each entry's content; the payload is 56 bytes or more larger, and padded.") var content =
    340

  @Flag(help: "Print JSON.") var json = false

  @Option(
    help: ArgumentHelp(
      "Fail when a count is above the one in this JSON file, which says how many entries.", valueName: "file"),
    completion: .file())
  var floors: String?

  func run() async throws {
    let floors = try floors.map {
      try JSONDecoder().decode(SyncFloor.self, from: Data(contentsOf: URL(filePath: $0)))
    }
    let result = try await measure(entries: floors?.entries ?? entries)
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      print(String(decoding: try encoder.encode(result), as: UTF8.self))
    } else {
      print("entries             \(result.entries) of \(result.payloadBytes) payload bytes")
      print("entries a second    \(Int(result.entriesPerSecond))")
      print("bytes an entry      \(Int(result.bytesBesidePayload.rounded(.up))) beside its payload")
      print(
        "peak memory         agent \(result.agentPeakMemoryBytes >> 20) MiB, "
          + "sync \(result.syncPeakMemoryBytes >> 20) MiB")
      print(
        "second sync         \(result.secondSync.messages) messages, \(result.secondSync.bytes) bytes after the handshake"
      )
    }
    if let floors, !floors.isHeld(by: result) {
      FileHandle.standardError.write(Data("above its floor: \(result)\n".utf8))
      throw ExitCode.failure
    }
  }

  private func measure(entries: Int) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fieldsync-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("source").path
    let target = folder.appendingPathComponent("target").path

    let payloadByteCount = try await fill(source, entryCount: entries)
    let agent = try Executable.start([
      "--home", source, "agent", "--listen", "127.0.0.1:0", "--no-ble", "--log-level", "warning",
    ])
    defer { agent.stop() }
    let ready = try agent.readLine()
    guard let address = ready.split(separator: " ").dropFirst().first else {
      throw ValidationError("The agent did not become ready: \(ready)")
    }
    let invitation = try Executable.run(["--home", source, "invite"]).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
    _ = try Executable.run(["--home", target, "join", "-", "--connect", String(address)], input: invitation + "\n")

    let start = ContinuousClock.now
    let sync = try Executable.run(["--home", target, "sync", "--connect", String(address), "--json"])
    let seconds = start.duration(to: .now) / .seconds(1)
    let again = try Executable.run(["--home", target, "sync", "--connect", String(address), "--json"])
    let (first, second) = try (SyncResult(sync), SyncResult(again))
    return Result(
      entries: entries, payloadBytes: payloadByteCount, seconds: seconds, entriesPerSecond: Double(entries) / seconds,
      bytesBesidePayload: Double(first.traffic.bytes) / Double(max(1, entries)) - Double(payloadByteCount),
      agentPeakMemoryBytes: agent.peakMemoryByteCount, syncPeakMemoryBytes: sync.peakMemoryByteCount,
      secondSync: second.traffic)
  }

  struct Result: Encodable {
    var entries: Int
    var payloadBytes: Int
    var seconds: Double
    var entriesPerSecond: Double
    /// Of the first sync after its handshake, both ways, for each entry.
    var bytesBesidePayload: Double
    var agentPeakMemoryBytes: Int
    var syncPeakMemoryBytes: Int
    var secondSync: Traffic
  }

  private struct SyncResult: Decodable {
    var traffic: Traffic

    init(_ finished: Executable.Finished) throws {
      self = try JSONDecoder().decode(SyncResult.self, from: Data(finished.output.utf8))
    }
  }

  struct Traffic: Codable {
    var sentMessages: Int
    var sentBytes: Int
    var receivedMessages: Int
    var receivedBytes: Int

    var messages: Int { sentMessages + receivedMessages }
    var bytes: Int { sentBytes + receivedBytes }
  }

  /// - Returns: The bytes of one payload.
  private func fill(_ directory: String, entryCount entries: Int) async throws -> Int {
    let home = try await Home(directory: directory).create(name: "source")
    guard let naming = home.keys.naming else { throw ValidationError("The home has no keys.") }
    let names = NameHasher(key: naming)
    let database = names.database(named: "bench")
    let cipher = PayloadCipher(workspace: home.identity.workspace, keyring: home.keys.keyring)
    var payloadByteCount = 0
    for start in stride(from: 0, to: entries, by: StoreLimits.putEntryCount / 2) {
      var drafts: [EntryDraft] = []
      for index in start..<min(start + StoreLimits.putEntryCount / 2, entries) {
        let document = names.document(named: "\(index)", in: database)
        let content = (0..<content).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
        let (payload, epoch) = try cipher.seal(content, kind: .documentChange, database: database, document: document)
        payloadByteCount = payload.count
        drafts.append(
          EntryDraft(kind: .documentChange, database: database, document: document, keyEpoch: epoch, payload: payload))
      }
      _ = try await home.store.append(drafts, signedBy: home.identity.keyPair)
    }
    try await home.store.close()
    return payloadByteCount
  }
}
