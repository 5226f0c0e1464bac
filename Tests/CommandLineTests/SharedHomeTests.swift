import FieldAgent
import FieldDocuments
import Testing

/// A home that a program has open, and commands that come and go beside it.
struct SharedHomeTests {
  /// SQLite's locks belong to the process: whoever closes any descriptor of the file gives all of them up.
  @Test func aHomeThatIsOpenedTwiceKeepsWhatItAcknowledges() async throws {
    let tool = try await Tool.founded()
    let home = Home(directory: tool.home)
    let first = try await home.open()
    let second = try await home.open()
    // A command that ends as the last one takes the log into the file, and removes it.
    #expect(try await tool.run("put", "notes", "theirs", "text=dry").status == 0)
    try await first.database(named: "notes").put("ours", set: ["text": .text("wet")])
    #expect(try await tool.run("ls", "notes").output == "ours\ntheirs\n")
    #expect(try await tool.run("verify").status == 0)
    withExtendedLifetime(second) {}
  }
}
