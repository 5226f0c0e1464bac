public import DBus
import Synchronization

/// Services that this machine offers to others. The layout is fixed: bluetoothd reads it at registration, and peers
/// remember it.
public final class GATTApplication: Sendable {
  private static let managerInterface = "org.bluez.GattManager1"
  /// bluetoothd answers after it has read all objects of ours.
  private static let registrationTimeout = Duration.seconds(20)

  /// Where the objects are on our connection.
  public let root: ObjectPath
  private let services: [LocalService]
  private let isExported = Mutex(false)

  public init(root: ObjectPath, services: [LocalService]) {
    self.root = root
    self.services = services
  }

  /// Offers the services on `adapter`. To be done again after bluetoothd was gone or the adapter was off.
  /// - Throws: `alreadyExists` when they are registered there already, `objectGone` when the adapter is not there.
  public func register(on adapter: ObjectPath, of client: BlueZClient) async throws(BlueZError) {
    // bluetoothd calls back for the objects before it answers.
    try await export(on: client.connection)
    _ = try await client.call(
      adapter, Self.managerInterface, "RegisterApplication", [.objectPath(root), .properties([:])],
      timeout: Self.registrationTimeout)
  }

  /// Takes the services back from `adapter`; who is connected sees them go.
  public func unregister(from adapter: ObjectPath, of client: BlueZClient) async throws(BlueZError) {
    _ = try await client.call(adapter, Self.managerInterface, "UnregisterApplication", [.objectPath(root)])
  }

  private func export(on connection: DBusConnection) async throws(BlueZError) {
    let isFirst = isExported.withLock { isExported in
      defer { isExported = true }
      return !isExported
    }
    guard isFirst else { return }
    do throws(DBusError) {
      try await connection.export([], at: root, isManager: true)
      for (serviceIndex, service) in services.enumerated() {
        let servicePath = root.appending("service\(serviceIndex)")
        try await connection.export([service.interface], at: servicePath)
        for (index, characteristic) in service.characteristics.enumerated() {
          let path = servicePath.appending("characteristic\(index)")
          try await connection.export([characteristic.interface(in: servicePath)], at: path)
        }
      }
    } catch {
      throw BlueZError(error)
    }
  }
}

/// A service of ours.
public struct LocalService: Sendable {
  public let uuid: BluetoothUUID
  public let characteristics: [LocalCharacteristic]

  public init(uuid: BluetoothUUID, characteristics: [LocalCharacteristic]) {
    self.uuid = uuid
    self.characteristics = characteristics
  }

  var interface: ExportedInterface {
    ExportedInterface(
      "org.bluez.GattService1",
      properties: [
        ExportedProperty("UUID", constant: .string(uuid.text)),
        ExportedProperty("Primary", constant: .boolean(true)),
      ])
  }
}
