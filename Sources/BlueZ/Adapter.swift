public import DBus

/// A local adapter, as something to act on.
public struct Adapter: Sendable {
  private static let interface = ObjectModel.Interface.adapter.rawValue

  public let path: ObjectPath
  private let client: BlueZClient

  public init(_ path: ObjectPath, of client: BlueZClient) {
    self.path = path
    self.client = client
  }

  /// Nil when the adapter is gone.
  public var properties: AdapterProperties? { client.adapter(path) }

  public func setPowered(_ isPowered: Bool) async throws(BlueZError) {
    try await client.set(path, Self.interface, "Powered", .boolean(isPowered))
  }

  /// Says what discovery is to find, for this client. bluetoothd merges the filters of all clients, so what it then
  /// tells of has to be looked at again.
  public func setDiscoveryFilter(_ filter: DiscoveryFilter) async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "SetDiscoveryFilter", [filter.value])
  }

  /// - Throws: `inProgress` when this client discovers already, `notReady` when the adapter is off.
  public func startDiscovery() async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "StartDiscovery")
  }

  public func stopDiscovery() async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "StopDiscovery")
  }

  /// Disconnects a device, and forgets it and its keys.
  public func removeDevice(_ device: ObjectPath) async throws(BlueZError) {
    _ = try await client.call(path, Self.interface, "RemoveDevice", [.objectPath(device)])
  }
}

/// What discovery on LE is to tell of.
public struct DiscoveryFilter: Sendable {
  /// Devices that advertise at least one of these; all devices when it is empty.
  public var uuids: Set<BluetoothUUID>
  /// Whether every advertisement with data counts, or only those that change something.
  public var reportsDuplicates: Bool

  public init(uuids: Set<BluetoothUUID>, reportsDuplicates: Bool = true) {
    self.uuids = uuids
    self.reportsDuplicates = reportsDuplicates
  }

  var value: DBusValue {
    var properties: [String: DBusValue] = [
      "Transport": .string("le"), "DuplicateData": .boolean(reportsDuplicates),
    ]
    if !uuids.isEmpty { properties["UUIDs"] = .strings(uuids.map(\.text).sorted()) }
    return .properties(properties)
  }
}
