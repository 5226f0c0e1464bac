import Foundation
import Testing

/// What a relay between two laptops could give away.
@Suite(.timeLimit(.minutes(2)))
struct RelayCanaryTests {
  private static let canaries = (0..<5).flatMap { index in
    ["canary-document-\(index)", "canary-field-\(index)", "canary-value-\(index)", "canary-file-\(index)"]
  }

  /// Everything that a process has in memory and that can be read from outside.
  private static func memory(of process: Int32) throws -> [UInt8] {
    let maps = try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)
    let memory = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/mem"))
    var bytes: [UInt8] = []
    for line in maps.split(separator: "\n") {
      let columns = line.split(separator: " ")
      let range = columns[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
      // What is mapped from a file that cannot be written is the program itself.
      guard columns[1].hasPrefix("rw"), range.count == 2 else { continue }
      try memory.seek(toOffset: range[0])
      bytes += (try? memory.read(upToCount: Int(range[1] - range[0]))) ?? Data()
    }
    return bytes
  }

  private static func found(in data: some Sequence<UInt8>) -> [String] {
    let text = Data(data)
    return canaries.filter { text.range(of: Data($0.utf8)) != nil }
  }

  @Test func aRelaysDiskLogAndMemoryHoldNoCanary() async throws {
    let (laptop, relay, other) = (try await Tool.founded(), try Tool(), try Tool())
    let agent = try await AgentProcess(laptop)
    for (tool, role) in [(relay, "relay"), (other, "member")] {
      let invitation = try await laptop.run("invite", "--role", role, "--quiet").output
      try #require(try await tool.run("join", "-", "--connect", agent.address, input: invitation).status == 0)
    }
    for index in 0..<5 {
      try laptop.write(Array("canary-value-\(index) in a file".utf8), to: "canary-file-\(index)")
      let put = try await laptop.run(
        "put", "canary-notes", "canary-document-\(index)", "canary-field-\(index)=canary-value-\(index)",
        "photo=@canary-file-\(index)")
      try #require(put.status == 0, "\(put.errors)")
    }
    agent.stop()
    let carrying = try await AgentProcess(relay, logging: "agent.log")
    #expect(try await laptop.run("sync", "--connect", carrying.address).status == 0)
    #expect(try await other.run("sync", "--connect", carrying.address).status == 0)
    for index in 0..<5 {
      let fields = try await other.run("get", "canary-notes", "canary-document-\(index)", "--json").json()["fields"]
      #expect((fields as? [String: Any])?["canary-field-\(index)"] as? String == "canary-value-\(index)")
    }
    let memory = try Self.memory(of: carrying.processID)
    #expect(memory.count > 1 << 20 && Self.found(in: memory) == [])
    #expect(Self.found(in: try relay.bytes(of: "agent.log")) == [])
    for (name, bytes) in try relay.files(under: "home") { #expect(Self.found(in: bytes) == [], "\(name)") }
    // The search finds what is there.
    #expect(Self.found(in: Array("xx canary-file-3 xx".utf8)) == ["canary-file-3"])
  }
}
