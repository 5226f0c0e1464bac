public import Foundation

/// A `dbus-daemon` of the test's own: on a socket in a temporary directory, open to everything this user does.
public final class PrivateBus: Sendable {
  /// What the tests and their peers connect to.
  public let address: String
  private let daemon: PeerProcess
  private let directory: URL

  /// Starts the daemon and returns once it listens.
  public init() async throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "bus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let socket = directory.appending(path: "socket").path
    let configuration = """
      <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
        "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
      <busconfig>
        <type>session</type>
        <listen>unix:path=\(socket)</listen>
        <auth>EXTERNAL</auth>
        <policy context="default">
          <allow send_destination="*"/>
          <allow receive_sender="*"/>
          <allow own="*"/>
        </policy>
      </busconfig>
      """
    let file = directory.appending(path: "bus.conf")
    try configuration.write(to: file, atomically: true, encoding: .utf8)
    daemon = try PeerProcess(
      "/usr/bin/dbus-daemon", ["--config-file=\(file.path)", "--nofork", "--nopidfile", "--print-address=1"])
    address = try await daemon.nextLine()
  }

  deinit {
    daemon.kill()
    try? FileManager.default.removeItem(at: directory)
  }

  /// Ends the daemon as a crash would.
  public func kill() {
    daemon.kill()
  }

  /// Starts a Python script as a peer on this bus.
  public func python(_ script: URL, _ arguments: [String] = []) throws -> PeerProcess {
    try PeerProcess("/usr/bin/python3", ["-u", script.path] + arguments, environment: environment)
  }

  /// Runs a command on this bus to its end and returns what it printed.
  public func run(_ executable: String, _ arguments: [String]) async throws -> String {
    try await PeerProcess(executable, arguments, environment: environment).allLines().joined(separator: "\n")
  }

  private var environment: [String: String] {
    ["DBUS_SESSION_BUS_ADDRESS": address, "DBUS_SYSTEM_BUS_ADDRESS": address]
  }
}
