import FieldAgent
import FieldCore
import FieldStore
import Foundation
import Testing

/// Commands on a store that its disk has spoiled.
struct DamagedStoreTests {
  /// Where a bit of an encoded header may flip, and it still decodes.
  enum Place: Int, CaseIterable {
    case author = 40
    case sequence = 73
    case previous = 80
    case content = 120
  }

  /// Its id says that the entry is another one than was asked for.
  @Test(arguments: Place.allCases, [0, 2])
  func aFlippedHeaderIsFoundAndPassedOver(place: Place, entry: Int) async throws {
    let tool = try await Tool.founded()
    for name in ["a", "b"] { try tool.write(Array(name.utf8), to: "in/" + name) }
    try #require(try await tool.run("import", "tree", "in").status == 0)
    try await flip(place, ofChange: entry, in: tool)

    // What ends by the signal of `timeout` has another status.
    let verified = try await run(tool, "verify")
    #expect(verified.status == 74, "\(verified.output)\(verified.errors)")
    // The first change says the database's name, the last one is all that there is of the second document.
    let left = entry == 0 ? ["a", "b"] : ["a"]
    let listed = try await run(tool, "ls", "tree")
    #expect(listed.status == 0 && listed.output == left.map { $0 + "\n" }.joined(), "\(listed)")
    let databases = try await run(tool, "ls")
    #expect(databases.status == 0 && databases.output.contains("tree") == (entry != 0), "\(databases)")
    #expect(try await run(tool, "export", "tree", "out").status == 0)
    #expect(try tool.files(under: "out").keys.sorted() == left)
  }

  private func run(_ tool: Tool, _ arguments: String...) async throws -> Tool.Outcome {
    try await tool.run(arguments, through: ["timeout", "20"])
  }

  private func flip(_ place: Place, ofChange index: Int, in tool: Tool) async throws {
    let store = try await Home(directory: tool.home).open().store
    let changes = try await store.scan(since: nil, limit: 10, filter: EntryFilter(kinds: [.documentChange])).listings
    try #require(changes.count == 3)
    let header = try #require(try await store.headers([changes[index].id])[changes[index].id])
    try await store.gather()
    try await store.close()
    let file = URL(filePath: tool.home + "/store.sqlite")
    var bytes = try Data(contentsOf: file)
    let found = try #require(bytes.range(of: Data(header.encoded)))
    bytes[found.lowerBound + place.rawValue] ^= 1
    try bytes.write(to: file)
  }
}
