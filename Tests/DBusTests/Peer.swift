import DBus
import DBusTesting
import Foundation

/// The Python programs beside these tests.
enum Peer {
  static func script(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/\(name)")
  }
}

/// A bus with the Python echo service on it, and a connection of ours.
struct EchoBus {
  let bus: PrivateBus
  let service: PeerProcess
  let connection: DBusConnection

  init(limits: ConnectionLimits = ConnectionLimits()) async throws {
    bus = try await PrivateBus()
    service = try bus.python(Peer.script("echo_service.py"))
    _ = try await service.nextLine()
    connection = try await DBusConnection.open(.address(bus.address), limits: limits)
  }

  func call(
    _ member: String, _ arguments: [DBusValue] = [], timeout: Duration = DBusConnection.defaultTimeout
  ) async throws(DBusError) -> [DBusValue] {
    try await connection.call(Self.message(member, arguments), timeout: timeout)
  }

  static func message(_ member: String, _ arguments: [DBusValue] = []) -> MethodCall {
    MethodCall("org.example.Echo", "/org/example/Echo", "org.example.Echo", member, arguments)
  }
}
