public import Foundation
import Synchronization

/// A `dbus-daemon` of the test's own: on a socket in a temporary directory, open to everything this user does.
public final class PrivateBus: Sendable {
  /// What the tests and their peers connect to.
  public let address: String
  private let daemon: Mutex<PeerProcess>
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
    let daemon = try Self.start(in: directory)
    self.daemon = Mutex(daemon)
    _ = try await daemon.nextLine()
    // Without the identifier of this one daemon, so that the address is good for the next one.
    address = "unix:path=\(socket)"
  }

  private static func start(in directory: URL) throws -> PeerProcess {
    let file = directory.appending(path: "bus.conf")
    return try PeerProcess(
      "/usr/bin/dbus-daemon", ["--config-file=\(file.path)", "--nofork", "--nopidfile", "--print-address=1"])
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(at: directory)
  }

  /// Ends the daemon as a crash would.
  public func kill() {
    daemon.withLock { $0.kill() }
  }

  /// Starts a new daemon at the socket of the one that was killed, and returns once it listens.
  public func restart() async throws {
    let new = try Self.start(in: directory)
    daemon.withLock { $0 = new }
    _ = try await new.nextLine()
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
