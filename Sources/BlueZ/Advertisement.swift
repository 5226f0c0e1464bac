public import DBus
import Synchronization

/// An LE advertisement of ours that can be connected to.
///
/// An advertisement has 31 bytes: with `Discoverable` 3 for flags, 18 for one 128-bit UUID and 4 more than the bytes of
/// manufacturer data. bluetoothd answers `failed` when that is too much.
public final class Advertisement: Sendable {
  public struct Content: Equatable, Sendable {
    public var serviceUUIDs: [BluetoothUUID]
    /// By company identifier.
    public var manufacturerData: [UInt16: [UInt8]]
    /// How often to advertise; bluetoothd before 5.77 heeds it only with `Experimental`.
    public var interval: ClosedRange<Duration>?

    public init(
      serviceUUIDs: [BluetoothUUID], manufacturerData: [UInt16: [UInt8]] = [:], interval: ClosedRange<Duration>? = nil
    ) {
      self.serviceUUIDs = serviceUUIDs
      self.manufacturerData = manufacturerData
      self.interval = interval
    }
  }

  private static let managerInterface = "org.bluez.LEAdvertisingManager1"
  private static let interface = "org.bluez.LEAdvertisement1"

  /// Where the object is on our connection.
  public let path: ObjectPath
  private let onRelease: @Sendable () -> Void
  private let content: Mutex<Content>
  private let isExported = Mutex(false)

  /// `onRelease` is called when bluetoothd ends the advertisement by itself.
  public init(path: ObjectPath, content: Content, onRelease: @escaping @Sendable () -> Void = {}) {
    self.path = path
    self.content = Mutex(content)
    self.onRelease = onRelease
  }

  /// Starts to advertise on `adapter`. To be done again after bluetoothd was gone or the adapter was off.
  /// - Throws: `alreadyExists`, `notPermitted` when all of the controller's places are taken, `failed` when the content
  ///   is too long.
  public func register(on adapter: ObjectPath, of client: BlueZClient) async throws(BlueZError) {
    try await export(on: client.connection)
    _ = try await client.call(
      adapter, Self.managerInterface, "RegisterAdvertisement", [.objectPath(path), .properties([:])])
  }

  public func unregister(from adapter: ObjectPath, of client: BlueZClient) async throws(BlueZError) {
    _ = try await client.call(adapter, Self.managerInterface, "UnregisterAdvertisement", [.objectPath(path)])
  }

  /// Advertises something else from the next ``register(on:of:)`` on.
  public func prepare(_ new: Content) { content.withLock { $0 = new } }

  /// Advertises something else from now on, if it is registered.
  public func update(_ new: Content, on connection: DBusConnection) async throws(BlueZError) {
    let old = content.withLock { content in
      defer { content = new }
      return content
    }
    var names = ["ManufacturerData"]
    if new.serviceUUIDs != old.serviceUUIDs { names.append("ServiceUUIDs") }
    if new.interval != old.interval { names += ["MinInterval", "MaxInterval"] }
    try await changed(names, on: connection)
  }

  /// Makes bluetoothd put on the air what is registered, in case that it is not there any more.
  public func renew(on connection: DBusConnection) async throws(BlueZError) {
    try await changed(["ManufacturerData"], on: connection)
  }

  /// bluetoothd advertises anew for each of the names.
  private func changed(_ names: [String], on connection: DBusConnection) async throws(BlueZError) {
    do throws(DBusError) {
      try await connection.emitPropertiesChanged(at: path, Self.interface, names)
    } catch {
      throw BlueZError(error)
    }
  }

  private func export(on connection: DBusConnection) async throws(BlueZError) {
    let isFirst = isExported.withLock { isExported in
      defer { isExported = true }
      return !isExported
    }
    guard isFirst else { return }
    do throws(DBusError) {
      try await connection.export([exportedInterface], at: path)
    } catch {
      throw BlueZError(error)
    }
  }

  private var exportedInterface: ExportedInterface {
    ExportedInterface(
      Self.interface,
      methods: [
        ExportedMethod("Release") { [onRelease] _ in
          onRelease()
          return []
        }
      ],
      properties: [
        ExportedProperty("Type", constant: .string("peripheral")),
        ExportedProperty("Discoverable", constant: .boolean(true)),
        property("ServiceUUIDs", "as") { .strings($0.serviceUUIDs.map(\.text)) },
        property("ManufacturerData", "a{qv}") { content in
          .dictionary(
            content.manufacturerData.sorted { $0.key < $1.key }.map { company, bytes in
              DBusEntry(.uint16(company), .variant(.bytes(bytes)))
            }, key: "q", value: "v")
        },
        property("MinInterval", "u") { $0.interval.map { .uint32($0.lowerBound.wholeMilliseconds) } },
        property("MaxInterval", "u") { $0.interval.map { .uint32($0.upperBound.wholeMilliseconds) } },
      ])
  }

  /// Does not keep the advertisement: its connection keeps the property.
  private func property(
    _ name: String, _ type: DBusSignature, _ value: @escaping @Sendable (Content) -> DBusValue?
  ) -> ExportedProperty {
    ExportedProperty(
      name, type,
      get: { [weak self] in
        self.flatMap { advertisement in advertisement.content.withLock { value($0) } }
      })
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: UInt32 {
    UInt32(clamping: components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
  }
}
