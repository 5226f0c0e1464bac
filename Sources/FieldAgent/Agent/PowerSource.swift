import DBus
import FieldCore

/// Whether this machine runs on battery, as UPower says. Where there is none, it does not.
struct PowerSource: Sendable {
  private static let service = "org.freedesktop.UPower"
  private static let path: ObjectPath = "/org/freedesktop/UPower"
  private static let properties = "org.freedesktop.DBus.Properties"
  private static let property = "OnBattery"
  private static let callLimit = Duration.seconds(5)
  /// Between attempts to reach the message bus.
  private static let retryInterval = Duration.seconds(60)

  let bus: DBusConnection.Bus
  let time: FrameLinkClock

  /// Runs until the task is cancelled.
  ///
  /// - Parameter tell: Hears it at the start and whenever it changes.
  func run(_ tell: @Sendable (_ isOnBattery: Bool) async -> Void) async {
    while !Task.isCancelled {
      do throws(DBusError) {
        let connection = try await DBusConnection.open(bus)
        defer { connection.close() }
        try await follow(connection, tell)
      } catch {
        // No bus, no UPower, no battery: as on most machines that stand.
        await tell(false)
      }
      try? await time.sleepUntil(time.now() + Self.retryInterval)
    }
  }

  private func follow(
    _ connection: DBusConnection, _ tell: @Sendable (Bool) async -> Void
  ) async throws(DBusError) {
    let signals = try await connection.signals([
      .ownerChanges(of: Self.service),
      MatchRule(
        sender: Self.service, path: Self.path, interface: Self.properties, member: "PropertiesChanged",
        firstArgument: Self.service),
    ])
    await tell(await isOnBattery(connection))
    for try await signal in signals {
      if let changed = signal.arguments.dropFirst().first?.asProperties?[Self.property]?.asBool {
        await tell(changed)
      } else if DBusConnection.ownerChange(signal) != nil || signal.arguments.last?.asStrings?.isEmpty == false {
        await tell(await isOnBattery(connection))
      }
    }
  }

  private func isOnBattery(_ connection: DBusConnection) async -> Bool {
    guard let owner = try? await connection.owner(of: Self.service) else { return false }
    let reply = try? await connection.call(
      MethodCall(owner, Self.path, Self.properties, "Get", [.string(Self.service), .string(Self.property)]),
      timeout: Self.callLimit)
    return reply?.first?.asBool ?? false
  }
}
