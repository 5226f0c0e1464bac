public import DBus

/// A remote device, as something to act on.
public struct Device: Sendable {
  private static let interface = ObjectModel.Interface.device.rawValue

  public let path: ObjectPath
  private let client: BlueZClient

  public init(_ path: ObjectPath, of client: BlueZClient) {
    self.path = path
    self.client = client
  }

  /// Nil when the device is gone.
  public var properties: DeviceProperties? { client.device(path) }

  /// Connects, and returns when attributes can be exchanged; services are resolved some time later. On a device that is
  /// connected already, in either direction, it returns at once. ``properties`` may say so only later. When `timeout`
  /// is over, or the task is cancelled, the attempt goes on in bluetoothd until ``disconnect()``.
  /// - Throws: among others `inProgress` when an attempt is running, `failed` with reasons such as
  ///   `le-connection-abort-by-local` and `br-connection-profile-unavailable`.
  public func connect(timeout: Duration) async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "Connect", timeout: timeout)
  }

  /// Ends the connection, and every attempt to make one. Takes some two seconds.
  public func disconnect() async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "Disconnect")
  }
}
