import Foundation
import Testing

struct CommandTests {
  @Test func initIdAndStatusAgree() async throws {
    let tool = try Tool()
    let founded = try await tool.run("init", "--name", "laptop", "--json").json()
    let id = try await tool.run("id").output
    #expect(founded["device"] as? String == id.trimmingCharacters(in: .newlines))
    let status = try await tool.run("status", "--json").json()
    #expect(status["schema"] as? Int == 1)
    #expect(status["device"] as? String == founded["device"] as? String)
    #expect(status["workspace"] as? String == founded["workspace"] as? String)
    #expect(status["role"] as? String == "admin")
    #expect(status["agentRunning"] as? Bool == false)
    #expect((status["databases"] as? [Any])?.isEmpty == true)
    #expect((status["peers"] as? [Any])?.isEmpty == true)
  }

  @Test(arguments: ["0000", "0022", "0077", "0177"])
  func homeIsClosedWhateverTheUmask(mask: String) async throws {
    let tool = try Tool()
    let shell = ["sh", "-c", "umask \(mask); exec \"$@\"", "sh"]
    #expect(try await tool.run("init", "--name", "laptop", through: shell).status == 0)
    #expect(try await tool.run("invite", through: shell).status == 0)
    #expect(try await tool.run("put", "d", "x", "k=v", through: shell).status == 0)
    let manager = FileManager.default
    #expect(try manager.attributesOfItem(atPath: tool.home)[.posixPermissions] as? Int == 0o700)
    for file in try manager.contentsOfDirectory(atPath: tool.home) {
      #expect(
        try manager.attributesOfItem(atPath: tool.home + "/" + file)[.posixPermissions] as? Int == 0o600, "\(file)")
    }
  }

  @Test func invitePrintsTheInvitationAloneOnStandardOutput() async throws {
    let tool = try await Tool.founded()
    let outcome = try await tool.run("invite", "--expires", "15m")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("fieldsync:join/1/"))
    #expect(outcome.output.split(separator: "\n").count == 1)
    #expect(outcome.errors.contains("15m"))
    #expect(try await tool.run("invite", "--quiet").errors.isEmpty)
    #expect(try await tool.run("invite", "--expires", "0m").status == 64)
    #expect(try await tool.run("invite", "--expires", "9999999999999999d").status == 64)
  }

  @Test func putGetLsAndRm() async throws {
    let tool = try await Tool.founded()
    try tool.write(Array("a well".utf8), to: "well.txt")
    let put = try await tool.run(
      "put", "wells", "Well 7", "note=dry = true", "depth:=42.5", "dry:=true", "count:=-7", "none:=null",
      "quoted:=\"@x\"", "photo=@well.txt", "piped=@-", input: "from a pipe")
    #expect(put.status == 0, "\(put.errors)")
    #expect(put.output.isEmpty)

    let document = try await tool.run("get", "wells", "Well 7").json()
    let fields = try #require(document["fields"] as? [String: Any])
    #expect(fields["note"] as? String == "dry = true")
    #expect(fields["depth"] as? Double == 42.5)
    #expect(fields["dry"] as? Bool == true)
    #expect(fields["count"] as? Int == -7)
    #expect(fields["none"] is NSNull)
    #expect(fields["quoted"] as? String == "@x")
    let photo = try #require((fields["photo"] as? [String: Any])?["attachment"] as? [String: Any])
    #expect(photo["name"] as? String == "well.txt")
    #expect(photo["byteCount"] as? Int == 6)

    #expect(try await tool.run("get", "wells", "Well 7", "--field", "note").output == "dry = true\n")
    #expect(
      try await tool.run("get", "wells", "Well 7", "--field", "depth", "--json").json()["value"] as? Double == 42.5)
    #expect(try await tool.run("get", "wells", "Well 7", "--field", "photo", "--output", "out").status == 0)
    #expect(try tool.bytes(of: "out") == Array("a well".utf8))
    #expect(try await tool.run("get", "wells", "Well 7", "--field", "photo", "--output", "out").status == 73)
    #expect(try await tool.run("get", "wells", "Well 7", "--field", "piped", "--output", "-").output == "from a pipe")
    #expect(try await tool.run("get", "wells", "Well 7", "--output", "other").status == 65, "two attachments")

    #expect(try await tool.run("ls").output == "wells\n")
    #expect(try await tool.run("ls", "wells").output == "Well 7\n")
    #expect(try await tool.run("ls", "wells", "--json").json()["documents"] as? [String] == ["Well 7"])

    #expect(try await tool.run("put", "wells", "Well 7", "--remove", "note", "count:=8").status == 0)
    let changed = try await tool.run("get", "wells", "Well 7").json()["fields"] as? [String: Any]
    #expect(changed?["note"] == nil)
    #expect(changed?["count"] as? Int == 8)

    #expect(try await tool.run("rm", "wells", "Well 7").status == 0)
    #expect(try await tool.run("get", "wells", "Well 7").status == 66)
    #expect(try await tool.run("ls", "wells").output.isEmpty)
    #expect(try await tool.run("rm", "wells", "Well 7").status == 66)
    #expect(try await tool.run("put", "wells", "Well 7", "back=yes").status == 0)
    let back = try await tool.run("get", "wells", "Well 7").json()["fields"] as? [String: Any]
    #expect(back?.keys.sorted() == ["back"])
    #expect(try await tool.run("verify").status == 0)
  }

  @Test(
    arguments: [
      (["get", "d", "missing"], 66, "notFound"), (["get", "d", "x", "--field", "missing"], 66, "notFound"),
      (["rm", "d", "missing"], 66, "notFound"), (["put", "d", "x", "k=@missing"], 66, "notFound"),
      (["import", "d", "missing"], 66, "notFound"), (["init", "--name", "again"], 78, "alreadyInitialized"),
      (["put", "d", "", "k=v"], 65, "invalidInput"), (["put", "", "x", "k=v"], 65, "invalidInput"),
      (["get", "d", "x", "--output", "out"], 65, "invalidInput"),
      (["export", "d", "/proc/none/such"], 73, "cannotWrite"),
      (["ls", "--home", "elsewhere"], 78, "notInitialized"),
      (["put", "d", "x", "novalue"], 64, "usage"), (["put", "d", "x", "k:=[1]"], 64, "usage"),
      (["put", "d", "x", "k:=nan"], 64, "usage"), (["put", "d", "x"], 64, "usage"),
      (["put", "d", "x", "k=1", "k=2"], 64, "usage"), (["put", "d"], 64, "usage"), (["frobnicate"], 64, "usage"),
      (["ls", "--frobnicate"], 64, "usage"), (["init"], 64, "usage"),
    ] as [([String], Int32, String)])
  func failuresHaveTheirStatusAndANextStep(arguments: [String], status: Int32, code: String) async throws {
    let tool = try await Tool.founded()
    #expect(try await tool.run("put", "d", "x", "k=v").status == 0)
    let plain = try await tool.run(arguments)
    #expect(plain.status == status)
    #expect(plain.errors.split(separator: "\n").count >= 2, "\(plain.errors)")
    let outcome = try await tool.run(arguments + ["--json"])
    #expect(outcome.status == status)
    let error = try outcome.errorJSON()
    #expect(error["schema"] as? Int == 1)
    #expect(error["type"] as? String == "error")
    #expect(error["code"] as? String == code)
    #expect((error["message"] as? String)?.isEmpty == false)
    #expect((error["hint"] as? String)?.isEmpty == false)
  }

  @Test func everyCommandsResultIsJSON() async throws {
    let tool = try await Tool.founded()
    try tool.write([1, 2, 3], to: "folder/file")
    let commands = [
      ["id"], ["invite"], ["put", "d", "x", "k=v"], ["get", "d", "x"], ["ls"], ["ls", "d"], ["rm", "d", "x"],
      ["import", "d", "folder"], ["export", "d", "out"], ["verify"], ["status"],
    ]
    for command in commands {
      let outcome = try await tool.run(command + ["--json"])
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      #expect(try outcome.json()["schema"] as? Int == 1, "\(command)")
      #expect(outcome.output.split(separator: "\n").count == 1)
    }
  }

  @Test func helpTeaches() async throws {
    let tool = try Tool()
    let names = [
      "init", "id", "invite", "join", "sync", "agent", "put", "get", "ls", "rm", "import", "export", "verify", "status",
    ]
    let overview = try await tool.run("--help").output
    for name in names {
      #expect(overview.contains(name))
      let help = try await tool.run(name, "--help")
      #expect(help.status == 0)
      #expect(help.output.contains("Example"), "\(name)")
      #expect(help.output.contains("--json"), "\(name)")
      for line in help.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
        #expect(line.count <= 80, "\(name): \(line)")
      }
    }
    #expect(try await tool.run("--version").status == 0)
  }

  @Test func othersWordsReachNoTerminalAsTheyAre() async throws {
    let tool = try await Tool.founded()
    let name = "esc\u{1B}[2J\u{202E}\u{9B}x\nnext"
    #expect(try await tool.run("put", name, name, "\(name)=\(name)").status == 0)
    for command in [
      ["ls"], ["ls", name], ["get", name, name], ["get", name, name, "--field", name], ["status"],
      ["get", name, "no\u{1B}"], ["verify"],
    ] {
      for arguments in [command, command + ["--json"]] {
        let outcome = try await tool.run(arguments)
        for scalar in (outcome.output + outcome.errors).unicodeScalars where scalar != "\n" {
          #expect(scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format)
        }
      }
    }
    let document = try await tool.run("get", name, name).json()
    #expect(document["document"] as? String == name)
    #expect((document["fields"] as? [String: Any])?[name] as? String == name)
  }

  @Test func secretsAreInNoOutput() async throws {
    let tool = try await Tool.founded()
    let identity = try tool.bytes(of: "home/identity")
    let seed = identity[1..<33].map { String(format: "%02x", $0) }.joined()
    var seen = ""
    for command in [["status", "--json"], ["id", "--json"], ["verify", "--json"], ["ls", "--json"]] {
      let outcome = try await tool.run(command)
      seen += outcome.output + outcome.errors
    }
    #expect(!seen.contains(seed))
  }

  /// Of the tests themselves: what runs a command hundreds of times leaves nothing open.
  @Test func whatACommandWasGivenIsClosedAfterIt() async throws {
    let tool = try await Tool.founded()
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let paths = descriptors.compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }
    #expect(paths.count > 2)
    let name = URL(filePath: tool.directory).lastPathComponent
    #expect(paths.filter { $0.contains(name) } == [])
  }

  @Test func aDamagedStoreIsReported() async throws {
    let tool = try await Tool.founded()
    #expect(try await tool.run("put", "d", "x", "k=v").status == 0)
    try tool.write(Array(repeating: 0x5A, count: 8192), to: "home/store.sqlite")
    for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: tool.home + "/store.sqlite" + suffix) }
    let outcome = try await tool.run("status", "--json")
    #expect(outcome.status == 74 || outcome.status == 77, "\(outcome.errors)")
  }
}
