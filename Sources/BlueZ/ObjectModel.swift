import DBus

/// bluetoothd's objects as its signals tell of them: what came in, what is known, and what that means as events.
struct ObjectModel {
  /// Objects kept at most. Devices with random addresses add up; what is over this is not seen.
  static let objectLimit = 16384

  enum Interface: String, CaseIterable {
    case adapter = "org.bluez.Adapter1"
    case device = "org.bluez.Device1"
    case service = "org.bluez.GattService1"
    case characteristic = "org.bluez.GattCharacteristic1"
  }

  private typealias Properties = [String: DBusValue]
  private var objects: [ObjectPath: [Interface: Properties]] = [:]

  // MARK: Looking

  var adapters: [AdapterProperties] {
    paths(with: .adapter).compactMap { adapter($0) }
  }

  var devices: [DeviceProperties] {
    paths(with: .device).compactMap { device($0) }
  }

  func adapter(_ path: ObjectPath) -> AdapterProperties? {
    objects[path]?[.adapter].map { AdapterProperties(path, $0) }
  }

  func device(_ path: ObjectPath) -> DeviceProperties? {
    objects[path]?[.device].map { DeviceProperties(path, $0) }
  }

  func characteristic(_ path: ObjectPath) -> CharacteristicProperties? {
    guard let properties = objects[path]?[.characteristic], let service = properties["Service"]?.asObjectPath,
      let serviceProperties = objects[service]?[.service]
    else { return nil }
    return CharacteristicProperties(path, properties, service: serviceProperties)
  }

  func characteristics(of device: ObjectPath, service: BluetoothUUID) -> [CharacteristicProperties] {
    objects.keys.filter { $0.isWithin(device) }.sorted().compactMap { characteristic($0) }
      .filter { $0.device == device && $0.service == service }
  }

  private func paths(with interface: Interface) -> [ObjectPath] {
    objects.filter { $0.value[interface] != nil }.keys.sorted()
  }

  /// The events that make a newcomer know what is known.
  var present: [BlueZEvent] {
    adapters.map { .adapterAppeared($0) }
      + devices.flatMap { device in
        [.deviceFound(device)]
          + (device.isConnected ? [.deviceConnected(device.path)] : [])
          + (device.areServicesResolved ? [.servicesResolved(device.path)] : [])
      }
      + paths(with: .characteristic).compactMap { characteristic($0) }.map { .characteristicAppeared($0) }
  }

  // MARK: Changing

  /// Takes what `GetManagedObjects` returned as all there is.
  mutating func reset(_ managed: DBusValue) -> [BlueZEvent] {
    var events = clear()
    let entries = (managed.asEntries ?? []).sorted { left, right in
      (left.key.asObjectPath ?? .root) < (right.key.asObjectPath ?? .root)
    }
    for entry in entries {
      guard let path = entry.key.asObjectPath else { continue }
      events += add(path, entry.value)
    }
    return events
  }

  /// bluetoothd is gone, and everything with it.
  mutating func clear() -> [BlueZEvent] {
    let events = paths(with: .adapter).flatMap { remove($0, [Interface.adapter.rawValue]) }
    let orphans = paths(with: .device).flatMap { remove($0, [Interface.device.rawValue]) }
    objects = [:]
    return events + orphans
  }

  /// `InterfacesAdded`.
  mutating func add(_ path: ObjectPath, _ interfaces: DBusValue) -> [BlueZEvent] {
    guard objects[path] != nil || objects.count < Self.objectLimit else { return [] }
    var events: [BlueZEvent] = []
    for entry in interfaces.asEntries ?? [] {
      guard let interface = entry.key.asString.flatMap({ Interface(rawValue: $0) }),
        let properties = entry.value.asProperties
      else { continue }
      objects[path, default: [:]][interface] = properties
      switch interface {
      case .adapter: events += adapter(path).map { [.adapterAppeared($0)] } ?? []
      case .device: events += found(path)
      case .service: events += appeared(below: path)
      case .characteristic: events += characteristic(path).map { [.characteristicAppeared($0)] } ?? []
      }
    }
    return events
  }

  private func found(_ path: ObjectPath) -> [BlueZEvent] {
    guard let device = device(path) else { return [] }
    return [.deviceFound(device)]
      + (device.isConnected ? [.deviceConnected(path)] : [])
      + (device.areServicesResolved ? [.servicesResolved(path)] : [])
  }

  /// Characteristics that were told of before their service.
  private func appeared(below service: ObjectPath) -> [BlueZEvent] {
    objects.keys.filter { $0 != service && $0.isWithin(service) }.sorted()
      .compactMap { characteristic($0) }.map { .characteristicAppeared($0) }
  }

  /// `InterfacesRemoved`. What lies below an adapter or a device goes with it, whether bluetoothd says so or not.
  mutating func remove(_ path: ObjectPath, _ interfaces: [String]) -> [BlueZEvent] {
    var events: [BlueZEvent] = []
    for interface in interfaces.compactMap({ Interface(rawValue: $0) }) where objects[path]?[interface] != nil {
      if interface != .characteristic { events += removeChildren(of: path) }
      let wasConnected = interface == .device && device(path)?.isConnected == true
      let wasKnown = interface == .characteristic && characteristic(path) != nil
      objects[path]?[interface] = nil
      switch interface {
      case .adapter: events.append(.adapterGone(path))
      case .device: events += (wasConnected ? [.deviceDisconnected(path)] : []) + [.deviceGone(path)]
      case .service: break
      case .characteristic: events += wasKnown ? [.characteristicGone(path)] : []
      }
    }
    if objects[path]?.isEmpty == true { objects[path] = nil }
    return events
  }

  private mutating func removeChildren(of path: ObjectPath) -> [BlueZEvent] {
    let children = objects.keys.filter { $0 != path && $0.isWithin(path) }.sorted(by: >)
    return children.flatMap { remove($0, Interface.allCases.reversed().map(\.rawValue)) }
  }

  /// `PropertiesChanged`.
  mutating func change(
    _ path: ObjectPath, _ interface: String, _ changed: DBusValue, invalidated: [String]
  ) -> [BlueZEvent] {
    guard let interface = Interface(rawValue: interface), let before = objects[path]?[interface],
      let changed = changed.asProperties
    else { return [] }
    var after = before.merging(changed) { $1 }
    for name in invalidated { after[name] = nil }
    let names = Set(changed.keys).union(invalidated)
    // bluetoothd 5.66 keeps quiet about a connection when the attribute socket is faster than the kernel's event.
    if interface == .device && changed["ServicesResolved"] == .boolean(true) { after["Connected"] = .boolean(true) }
    objects[path]?[interface] = after
    switch interface {
    case .adapter: return adapter(path).map { [.adapterChanged($0, changed: names)] } ?? []
    case .device: return deviceChanged(path, DeviceProperties(path, before), names)
    case .service, .characteristic: return []
    }
  }

  private func deviceChanged(_ path: ObjectPath, _ before: DeviceProperties, _ names: Set<String>) -> [BlueZEvent] {
    guard let after = device(path) else { return [] }
    var events: [BlueZEvent] = [.deviceChanged(after, changed: names)]
    if after.isConnected && !before.isConnected { events.append(.deviceConnected(path)) }
    // An end counts even when nothing told of the beginning.
    if !after.isConnected && (before.isConnected || names.contains("Connected")) {
      events.append(.deviceDisconnected(path))
    }
    if after.areServicesResolved && !before.areServicesResolved { events.append(.servicesResolved(path)) }
    return events
  }
}
