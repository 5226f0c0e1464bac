import Foundation
import Testing

/// Backups, passphrases and shared keys, as people use them.
@Suite(.timeLimit(.minutes(5)))
struct BackupCommandTests {
  private func secret(_ tool: Tool, _ text: String, in name: String = "secret") throws {
    try tool.write(Array("\(text)\n".utf8), to: name)
    chmod(tool.directory + "/" + name, 0o600)
  }

  private func forks(_ tool: Tool, _ home: String = "home") async throws -> Int {
    let verified = try await tool.run("verify", "--home", home, "--json")
    #expect(verified.status == 0, "\(verified.errors)")
    return try #require(try verified.json()["forks"] as? [Any]).count
  }

  private func digest(_ tool: Tool, _ home: String = "home") async throws -> String {
    let status = try await tool.run("status", "--home", home, "--json").json()
    let databases = try #require(status["databases"] as? [[String: Any]])
    return databases.compactMap { $0["digest"] as? String }.joined()
  }

  /// Backup under a running agent, five more entries that a peer gets, the disk is lost, the old store comes back and
  /// writes: no place of any chain is given twice, and everybody ends with the same.
  @Test func aRestoredStoreNeverReusesASequenceNumber() async throws {
    let (laptop, tablet) = (try await Tool.founded(), try Tool())
    try secret(laptop, "correct horse battery")
    var agent = try await AgentProcess(laptop)
    let invitation = try await laptop.run("invite", "--quiet").output
    let joined = try await tablet.run(
      "join", "-", "--connect", agent.address, "--name", "tablet", input: invitation)
    try #require(joined.status == 0, "\(joined.errors)")
    for number in 0..<3 { #expect(try await laptop.run("put", "notes", "old \(number)", "n:=\(number)").status == 0) }

    let backup = try await laptop.run("backup", "b", "--backup-passphrase-file", "secret", "--json")
    #expect(backup.status == 0, "\(backup.errors)")
    // Two of the directory, three documents, and the database's name.
    #expect(try backup.json()["entries"] as? Int == 6)
    for number in 0..<5 { #expect(try await laptop.run("put", "notes", "new \(number)", "n:=\(number)").status == 0) }
    #expect(try await tablet.run("sync", "--connect", agent.address).status == 0)
    agent.stop()
    #expect(try await laptop.run("wipe", "--yes").status == 0)

    #expect(try await laptop.run("restore", "b", "--backup-passphrase-file", "secret").status == 0)
    for number in 0..<5 { #expect(try await laptop.run("put", "notes", "again \(number)", "n:=\(number)").status == 0) }
    agent = try await AgentProcess(laptop)
    let synced = try await tablet.run("sync", "--connect", agent.address, "--json")
    #expect(synced.status == 0, "\(synced.errors)")
    #expect(try synced.json()["equal"] as? Bool == true)
    #expect(try await forks(laptop) == 0)
    #expect(try await forks(tablet) == 0)
    #expect(try await digest(laptop) == digest(tablet))
    #expect(try await laptop.run("ls", "notes").output.split(separator: "\n").count == 13)
    #expect(try await tablet.run("ls", "notes").output.split(separator: "\n").count == 13)
  }

  /// The identity alone is kept; the entries come back from a relay that cannot read them.
  @Test func aWholeStoreComesBackFromARelay() async throws {
    let (laptop, relay) = (try await Tool.founded(), try Tool())
    try secret(laptop, "correct horse battery")
    var agent = try await AgentProcess(laptop)
    let invitation = try await laptop.run("invite", "--role", "relay", "--quiet").output
    try #require(
      try await relay.run("join", "-", "--connect", agent.address, "--name", "shelf", input: invitation).status == 0)
    #expect(try await laptop.run("put", "notes", "today", "text=canary").status == 0)
    #expect(try await relay.run("sync", "--connect", agent.address).status == 0)
    #expect(try await laptop.run("backup", "b", "--identity", "--backup-passphrase-file", "secret").status == 0)
    agent.stop()
    #expect(try await laptop.run("wipe", "--yes").status == 0)

    let restored = try await laptop.run("restore", "b", "--backup-passphrase-file", "secret", "--json")
    #expect(try restored.json()["role"] as? String == "admin")
    #expect(try await laptop.run("get", "notes", "today").status == 66)
    agent = try await AgentProcess(relay)
    let synced = try await laptop.run("sync", "--connect", agent.address)
    #expect(synced.status == 0, "\(synced.errors)")
    let fields = try await laptop.run("get", "notes", "today", "--json").json()["fields"] as? [String: Any]
    #expect(fields?["text"] as? String == "canary")
  }

  @Test func brokenBackupsAreToldApartAndChangeNothing() async throws {
    let laptop = try await Tool.founded()
    try secret(laptop, "correct horse battery")
    try secret(laptop, "wrong horse battery", in: "wrong")
    #expect(try await laptop.run("backup", "b", "--backup-passphrase-file", "secret").status == 0)
    #expect(try await laptop.run("backup", "b", "--backup-passphrase-file", "secret").status == 73, "not overwritten")
    let bytes = try laptop.bytes(of: "b")
    try laptop.write(Array(bytes.dropLast(100)), to: "cut")
    try laptop.write(bytes[..<200] + [bytes[200] ^ 1] + bytes[201...], to: "changed")
    try laptop.write(Array("not a backup at all, but a text".utf8), to: "text")
    for (file, passphrase, status, code) in [
      ("b", "wrong", 77, "wrongPassphrase"), ("cut", "secret", 74, "damaged"), ("changed", "secret", 74, "damaged"),
      ("text", "secret", 74, "damaged"), ("absent", "secret", 66, "notFound"),
    ] as [(String, String, Int32, String)] {
      let outcome = try await laptop.run(
        "restore", file, "--home", "other", "--backup-passphrase-file", passphrase, "--json")
      #expect(outcome.status == status, "\(file): \(outcome.errors)")
      #expect(try outcome.errorJSON()["code"] as? String == code)
      #expect(try await laptop.run("id", "--home", "other").status == 78)
    }
    let inPlace = try await laptop.run("restore", "b", "--backup-passphrase-file", "secret")
    #expect(inPlace.status == 78, "the home is taken")
    #expect(try await laptop.run("id").status == 0)
    // Without a terminal and without a file nobody can be asked.
    let unasked = try await laptop.run("backup", "c", "--json", through: ["setsid", "-w"])
    #expect(try unasked.errorJSON()["code"] as? String == "locked")
  }

  @Test func keysUnderAPassphraseAreAskedForAndAnAgentSaysWhatToDo() async throws {
    let laptop = try await Tool.founded()
    try secret(laptop, "correct horse battery")
    try secret(laptop, "wrong horse battery", in: "wrong")
    #expect(try await laptop.run("passphrase", "set", "--new-passphrase-file", "secret").status == 0)
    let agent = try await laptop.run(
      "agent", "--listen", "127.0.0.1:0", "--no-ble", "--json", through: ["setsid", "-w"])
    #expect(agent.status == 77)
    let error = try agent.errorJSON()
    #expect(error["code"] as? String == "locked")
    #expect((error["hint"] as? String)?.contains("--passphrase-file") == true)
    #expect((error["hint"] as? String)?.contains("fieldsync.passphrase") == true)
    #expect(try await laptop.run("id", "--passphrase-file", "wrong").status == 77)
    #expect(try await laptop.run("id", "--passphrase-file", "secret").status == 0)
    #expect(try await laptop.run("--passphrase-file", "secret", "put", "notes", "x", "k=v").status == 0)
    let running = try await AgentProcess(laptop, "--passphrase-file", "secret")
    running.stop()
    // As systemd passes a credential.
    try FileManager.default.createDirectory(
      atPath: laptop.directory + "/credentials", withIntermediateDirectories: true)
    try secret(laptop, "correct horse battery", in: "credentials/fieldsync.passphrase")
    let credential = ["env", "CREDENTIALS_DIRECTORY=\(laptop.directory)/credentials"]
    #expect(try await laptop.run("id", through: credential).status == 0)
    // A file that everybody may read is no secret's.
    chmod(laptop.directory + "/secret", 0o644)
    #expect(try await laptop.run("id", "--passphrase-file", "secret").status == 77)
    // Through a descriptor.
    let shell = ["sh", "-c", "exec \"$@\" --passphrase-file /dev/fd/3 3<<'END'\ncorrect horse battery\nEND", "sh"]
    #expect(try await laptop.run("passphrase", "remove", through: shell).status == 0)
    #expect(try await laptop.run("id").status == 0)
  }

  /// At a terminal: asked, not shown, and the terminal is left as it was.
  @Test func aTerminalAsksWithoutEcho() async throws {
    let laptop = try await Tool.founded()
    try laptop.write(Array(Self.terminal.utf8), to: "terminal.py")
    let python = ["python3", laptop.directory + "/terminal.py"]
    let set = try await laptop.run(
      "passphrase", "set", input: "New passphrase: =correct horse\nAgain: =correct horse\n", through: python)
    #expect(set.status == 0, "\(set.output)\(set.errors)")
    #expect(!set.output.contains("correct horse"), "echoed")
    let id = try await laptop.run("id", input: "Passphrase: =correct horse\n", through: python)
    #expect(id.status == 0 && id.output.contains("echo is on"), "\(id.output)")
    let wrong = try await laptop.run("id", input: "Passphrase: =correct mouse\n", through: python)
    #expect(wrong.status == 77)
    let different = try await laptop.run(
      "passphrase", "set",
      input: "Passphrase: =correct horse\nNew passphrase: =battery staple\nAgain: =battery steeple\n",
      through: python)
    #expect(different.status == 65, "\(different.output)")
    #expect(try await laptop.run("id", input: "Passphrase: =correct horse\n", through: python).status == 0)
  }

  /// Runs its arguments on a new terminal. Each line of its input is a prompt to wait for, `=`, and what to type then.
  private static let terminal = """
    import os, pty, sys, termios
    steps = [line.split("=", 1) for line in sys.stdin.read().splitlines()]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    heard = ""
    def hear():
        global heard
        try:
            piece = os.read(terminal, 1024).decode()
        except OSError:
            return False
        heard += piece
        sys.stdout.write(piece)
        return bool(piece)
    position = 0
    for prompt, text in steps:
        while prompt not in heard[position:]:
            if not hear(): break
        position = len(heard)
        os.write(terminal, (text + "\\n").encode())
    while hear(): pass
    status = os.waitpid(child, 0)[1]
    if termios.tcgetattr(terminal)[3] & termios.ECHO: print("echo is on")
    sys.exit(os.waitstatus_to_exitcode(status))
    """

  @Test func aSharedKeyLetsInWhoHasIt() async throws {
    let (laptop, tablet) = (try Tool(), try Tool())
    let founded = try await laptop.run("init", "--shared", "--name", "laptop", "--quiet")
    #expect(founded.status == 0)
    let key = founded.output.trimmingCharacters(in: .newlines)
    #expect(key.count == 64 && key.allSatisfy(\.isHexDigit))
    #expect(try await tablet.run("join", "--shared-key", key).status == 64, "never an argument")
    #expect(try await tablet.run("join", "--shared-key", "-", input: "0123\n").status == 65)
    #expect(try await tablet.run("join", "--shared-key", "-", "--name", "tablet", input: key + "\n").status == 0)
    #expect(try await laptop.run("put", "notes", "today", "text=canary").status == 0)
    let agent = try await AgentProcess(laptop)
    let synced = try await tablet.run("sync", "--connect", agent.address)
    #expect(synced.status == 0, "\(synced.errors)")
    #expect(try await tablet.run("get", "notes", "today").status == 0)
    #expect(try await tablet.run("invite").status == 77)
    let peers = try await tablet.run("peers", "--json").json()["peers"] as? [[String: Any]]
    #expect(peers?.count == 3)

    // The only copy is lost, and there is no admin to let the restored device in.
    try secret(tablet, "correct horse battery")
    #expect(try await tablet.run("backup", "b", "--backup-passphrase-file", "secret").status == 0)
    #expect(try await tablet.run("wipe", "--yes").status == 0)
    let restored = try await tablet.run("restore", "b", "--backup-passphrase-file", "secret")
    #expect(restored.status == 0 && restored.errors.contains("fieldsync join --shared-key -"), "\(restored.errors)")
    #expect(try await tablet.run("get", "notes", "today").status == 0)
    #expect(try await tablet.run("sync", "--connect", agent.address).status == 77)
    #expect(try await tablet.run("join", "--shared-key", "-", input: key + "\n").status == 0)
    #expect(try await tablet.run("put", "notes", "later", "text=wet").status == 0)
    let again = try await tablet.run("sync", "--connect", agent.address)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try await laptop.run("get", "notes", "later").status == 0)
    let known = try await laptop.run("peers", "--json").json()["peers"] as? [[String: Any]]
    #expect(known?.count { $0["claimedName"] as? String == "tablet" } == 2, "by the name of before")

    let other = try Tool()
    try secret(other, String(repeating: "0123456789abcdef", count: 4))
    #expect(try await other.run("join", "--shared-key", "secret", "--name", "other").status == 0)
    #expect(try await other.run("sync", "--connect", agent.address).status == 4, "another key")
    let help = try await tablet.run("init", "--help").output.split(whereSeparator: \.isWhitespace).joined(
      separator: " ")
    #expect(help.contains("nobody who was told the key can be put out again"), "\(help)")
  }
}
