import FieldAgent
import FieldCore
import FieldStore
import Foundation
import Testing

struct FolderTests {
  /// What fits in one chunk of an attachment.
  private static let chunkByteCount = 65_535

  @Test func whatWasImportedIsExportedByteForByte() async throws {
    let tool = try await Tool.founded()
    var generator = SystemRandomNumberGenerator()
    let sizes = [
      0, 1, Self.chunkByteCount - 1, Self.chunkByteCount, Self.chunkByteCount + 1, 2 * Self.chunkByteCount, 1 << 20,
    ]
    for size in sizes {
      try tool.write((0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }, to: "in/size \(size)")
    }
    let names = [
      "plain", "with space", "new\nline", "quote'\"", "-dash", "ünï/cödé", "a/b/c/deep", ".hidden", "back\\slash",
      "e\u{301}", "\u{E9}", String(repeating: "l", count: 255), "*?[", "tab\there", "\u{1B}[31m",
    ]
    for name in names { try tool.write(Array(name.utf8), to: "in/" + name) }
    chmod(tool.directory + "/in/plain", 0o640)
    let outcome = try await tool.run("import", "tree", "in", "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.json()["imported"] as? Int == sizes.count + names.count)
    #expect(try await tool.run("verify").status == 0)

    let export = try await tool.run("export", "tree", "out", "--json")
    #expect(export.status == 0, "\(export.errors)")
    #expect(try tool.files(under: "out") == tool.files(under: "in"))
    let before = try FileManager.default.attributesOfItem(atPath: tool.directory + "/in/plain")
    let after = try FileManager.default.attributesOfItem(atPath: tool.directory + "/out/plain")
    #expect(after[.posixPermissions] as? Int == 0o640)
    #expect(after[.modificationDate] as? Date == before[.modificationDate] as? Date)
  }

  @Test func unchangedFilesAreNotImportedAgain() async throws {
    let tool = try await Tool.founded()
    try tool.write(Array(repeating: 7, count: 200_000), to: "in/large")
    try tool.write([1], to: "in/small")
    #expect(try await tool.run("import", "tree", "in").status == 0)
    let before = try await tool.run("status", "--json").json()["databases"] as? [[String: Any]]
    let again = try await tool.run("import", "tree", "in", "--json").json()
    #expect(again["imported"] as? Int == 0)
    #expect(again["unchanged"] as? Int == 2)
    #expect(again["storedBytes"] as? Int == 0)
    let after = try await tool.run("status", "--json").json()["databases"] as? [[String: Any]]
    #expect(before?.first?["digest"] as? String == after?.first?["digest"] as? String)

    try tool.write(Array(repeating: 7, count: 200_000) + [8], to: "in/large")
    try tool.write(Array(repeating: 7, count: 200_000), to: "in/copy")
    let changed = try await tool.run("import", "tree", "in", "--json").json()
    #expect(changed["imported"] as? Int == 2)
    #expect(try #require(changed["storedBytes"] as? Int) < 20_000, "equal chunks are kept once")
    #expect(try await tool.run("export", "tree", "out").status == 0)
    #expect(try tool.files(under: "out") == tool.files(under: "in"))
  }

  /// Another device's document may be here before what it refers to.
  @Test func aFileWhoseContentIsNotHereIsImportedAgain() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    let home = Home(directory: tablet.home)
    let inviting = try await Home(directory: laptop.home).open()
    let joining = try home.beginJoining(try inviting.invite(role: .member, lifetime: .seconds(60)), name: "tablet")
    let joined = try await home.finishJoining(
      try await inviting.admit(joining.device, named: joining.name, as: .member))
    try laptop.write(Array(repeating: 7, count: 100_000), to: "in/file")
    #expect(try await laptop.run("import", "tree", "in").status == 0)
    let changes = try await inviting.store.scan(
      since: nil, limit: 10, filter: EntryFilter(kinds: [.documentChange]))
    let entries = try await inviting.store.entries(changes.listings.map(\.id))
    #expect(try await joined.store.put(entries) == [.stored, .stored])

    for imported in [1, 0] {
      let outcome = try await tablet.run("import", "tree", laptop.directory + "/in", "--json").json()
      #expect(outcome["imported"] as? Int == imported)
      #expect(outcome["unchanged"] as? Int == 1 - imported)
    }
    #expect(try await tablet.run("export", "tree", "out").status == 0)
    #expect(try tablet.files(under: "out") == laptop.files(under: "in"))
  }

  @Test func whatIsNoFileIsNamedAndLeftOut() async throws {
    let tool = try await Tool.founded()
    try tool.write([1], to: "in/file")
    try tool.write(Array("secret".utf8), to: "outside")
    let folder = tool.directory + "/in"
    symlink("../outside", folder + "/link")
    symlink("..", folder + "/up")
    mkfifo(folder + "/pipe", 0o600)
    let outcome = try await tool.run("import", "tree", "in", "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let skipped = try #require(try outcome.json()["skipped"] as? [[String: Any]])
    #expect(Set(skipped.compactMap { $0["path"] as? String }) == ["link", "up", "pipe"])
    #expect(try await tool.run("ls", "tree").output == "file\n")
  }

  @Test func namesThatAreNotTextAreReported() async throws {
    let tool = try await Tool.founded()
    try tool.write([1], to: "in/file")
    let name: [CChar] = Array((tool.directory + "/in/").utf8CString.dropLast()) + [0x62, -1, 0]
    let file = open(name, O_WRONLY | O_CREAT, 0o600)
    try #require(file >= 0)
    close(file)
    let outcome = try await tool.run("import", "tree", "in", "--json")
    #expect(outcome.status == 2)
    let skipped = try #require(try outcome.json()["skipped"] as? [[String: Any]])
    #expect(skipped.first?["path"] as? String == "b\\xff")
    #expect(skipped.first?["failed"] as? Bool == true)
    #expect(try await tool.run("ls", "tree").output == "file\n")
  }

  @Test(arguments: [
    "../evil", "/evil", "a/../../evil", "..", ".", "a/..", "a/./b", "a//b", "a/", "./a", "../../../../../../tmp/evil",
    "trap/evil", String(repeating: "n", count: 256), "trap",
  ])
  func exportWritesUnderItsDirectoryAlone(name: String) async throws {
    let tool = try await Tool.founded()
    try tool.write(Array("payload".utf8), to: "payload")
    try FileManager.default.createDirectory(atPath: tool.directory + "/out", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: tool.directory + "/target", withIntermediateDirectories: true)
    symlink("../target", tool.directory + "/out/trap")
    #expect(try await tool.run("put", "d", name, "content=@payload").status == 0)
    #expect(try await tool.run("put", "d", "good", "content=@payload").status == 0)
    let outcome = try await tool.run("export", "d", "out", "--json")
    #expect(outcome.status == 2, "\(outcome.output)\(outcome.errors)")
    let skipped = try #require(try outcome.json()["skipped"] as? [[String: Any]])
    #expect(skipped.compactMap { $0["document"] as? String } == [name])
    #expect(try tool.bytes(of: "out/good") == Array("payload".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: tool.directory + "/target").isEmpty)
    let around = try FileManager.default.contentsOfDirectory(atPath: tool.directory)
    #expect(Set(around) == ["home", "out", "payload", "target"])
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: tool.directory + "/out")) == ["good", "trap"])
  }

  @Test func forceReplacesALinkAndNotWhatItPointsTo() async throws {
    let tool = try await Tool.founded()
    try tool.write(Array("new".utf8), to: "in/file")
    try tool.write(Array("old".utf8), to: "outside")
    #expect(try await tool.run("import", "d", "in").status == 0)
    try FileManager.default.createDirectory(atPath: tool.directory + "/out", withIntermediateDirectories: true)
    symlink("../outside", tool.directory + "/out/file")
    #expect(try await tool.run("export", "d", "out").status == 2)
    #expect(try tool.bytes(of: "outside") == Array("old".utf8))
    #expect(try await tool.run("export", "d", "out", "--force").status == 0)
    #expect(try tool.bytes(of: "outside") == Array("old".utf8))
    #expect(try tool.bytes(of: "out/file") == Array("new".utf8))
  }

  @Test func interruptedImportLeavesAWholeStoreAndGoesOn() async throws {
    let tool = try await Tool.founded()
    for index in 0..<100 {
      try tool.write(Array(repeating: UInt8(index), count: 20_000 + index), to: "in/\(index)")
    }
    // The last one, all zeros and as large as may be, keeps the import busy until it is interrupted.
    try tool.write([], to: "in/zeros")
    #expect(truncate(tool.directory + "/in/zeros", 1_900_000_000) == 0)
    let process = try tool.makeProcess(["import", "tree", "in", "--quiet"])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // As soon as something of it is on disk.
    let log = tool.home + "/store.sqlite-wal"
    while process.isRunning,
      (try? FileManager.default.attributesOfItem(atPath: log)[.size] as? Int) ?? 0 < 100_000
    { await Task.yield() }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    try FileManager.default.removeItem(atPath: tool.directory + "/in/zeros")
    #expect(try await tool.run("verify").status == 0)
    let rest = try await tool.run("import", "tree", "in", "--json").json()
    #expect((rest["imported"] as? Int ?? 0) + (rest["unchanged"] as? Int ?? 0) == 100)
    #expect(try await tool.run("export", "tree", "out").status == 0)
    #expect(try tool.files(under: "out") == tool.files(under: "in"))
  }
}
